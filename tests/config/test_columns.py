"""Derived names and crossed groups: what they follow from, their targets, and what is refused."""

from math import prod
from typing import Any

import pytest
import yaml

from jobs.begin.check import derived_names, named_with_targets
from tests.loading import ROOT
from transforms.base.errors import ConfigError
from transforms.config.balance import ShareBound
from transforms.config.files import config_in, parse_config
from transforms.config.schema import Schema, asked_of, schema_of
from transforms.config.sections import Config
from transforms.recognition.settings import settings_by_key, settings_digest

ATTRIBUTES: dict[str, Any] = {
    "gender": {
        "share_of": "group",
        "names": {"woman": {"target": 0.6, "lexicon": "w"}, "man": {"target": 0.4, "lexicon": "m"}},
    },
    "skin": {
        "share_of": "group",
        "field": "skin",
        "names": {"dark": {"target": 0.3}, "light": {"target": 0.7}},
    },
    "age": {"names": {"old": {"target": 0.2, "field": {"path": "age", "at_least": 60}}}},
}
LABELS: dict[str, Any] = {"job": {"names": {"nurse": {"lexicon": "nurse"}}}}


def asking(
    attributes: dict[str, Any] | None = None, labels: dict[str, Any] | None = None
) -> Config:
    return config_in(
        {
            "input": {"shards": "a.tar"},
            "attributes": {**ATTRIBUTES, **(attributes or {})},
            "labels": {**LABELS, **(labels or {})},
            "balance": {"eta": 0.5},
            "output": {"url": "out"},
        }
    )


def targets(schema: Schema, group: str) -> dict[str, float | None]:
    return {a.name.partition(".")[2]: a.target for a in schema.attributes if a.group == group}


def test_names_follow_from_names_by_group_or_alone() -> None:
    elders = {"elder": {"target": 0.1, "all_of": ["gender.woman", "old"], "none_of": "job.nurse"}}
    config = asking({"elders": {"names": elders}}, {"any": {"names": {"x": {"any_of": "elder"}}}})
    schema = schema_of(config)
    assert [(d.column, d.all_of, d.any_of, d.none_of) for d in schema.derived] == [
        ("s.elders.elder", ("s.gender.woman", "s.age.old"), (), ("y.job.nurse",)),
        ("y.any.x", (), ("s.elders.elder",), ()),
    ]
    assert schema.pattern_columns[-4:] == ("s.age.old", "s.elders.elder", "y.job.nurse", "y.any.x")
    assert not {"s.elders.elder", "y.any.x"} & {*schema.arrow.names}
    assert schema.as_read.names == [*schema.arrow.names, "s.elders.elder", "y.any.x"]


def test_a_name_of_the_own_section_comes_first() -> None:
    labels = {
        "gender": {"names": {"woman": {"lexicon": "lady"}}},
        "l": {"names": {"a": {"all_of": "gender.woman"}, "b": {"all_of": "woman"}}},
    }
    attributes = {"g": {"names": {"a": {"target": 0.1, "all_of": "gender.woman"}}}}
    found = {d.column: d.all_of for d in schema_of(asking(attributes, labels)).derived}
    assert found == {
        "s.g.a": ("s.gender.woman",),
        "y.l.a": ("y.gender.woman",),
        "y.l.b": ("y.gender.woman",),
    }


def test_a_name_of_the_own_group_comes_first() -> None:
    more = {k: {"names": {"z": {"target": 0.1, "lexicon": "z"}}} for k in "pqr"}
    more["q"]["names"]["a"] = {"target": 0.1, "none_of": "z"}
    assert schema_of(asking(more)).derived[0].none_of == ("s.q.z",)


def test_derived_columns_come_after_what_they_follow_from() -> None:
    names = {f"n{number}": {"any_of": [f"n{number + 1}"]} for number in range(2000)}
    config = asking(labels={"l": {"names": {**names, "n2000": {"lexicon": "x"}}}})
    assert [d.name for d in schema_of(config).derived] == [f"n{n}" for n in reversed(range(2000))]


def test_groups_are_crossed_with_the_products_of_their_targets() -> None:
    schema = schema_of(asking({"who": {"crossed": ["gender", "skin"]}}))
    assert targets(schema, "who") == {
        "woman × dark": 0.6 * 0.3,
        "woman × light": 0.6 * 0.7,
        "man × dark": 0.4 * 0.3,
        "man × light": 0.4 * 0.7,
    }
    assert {a.share_of for a in schema.attributes if a.group == "who"} == {"group"}
    assert schema.derived[0].all_of == ("s.gender.woman", "s.skin.dark")
    assert schema.derived[0].column == "s.who.woman × dark"


def test_more_than_two_groups_and_crossed_ones_are_crossed() -> None:
    crossed = {
        "three": {"crossed": ["gender", "age", "skin"], "share_of": "all"},
        "who": {"crossed": ["gender", "skin"]},
        "again": {"crossed": ["who", "age"], "share_of": "all"},
    }
    schema = schema_of(asking(crossed))
    assert targets(schema, "three")["man × old × dark"] == prod((0.4, 0.2, 0.3))
    assert targets(schema, "again")["man × dark × old"] == prod((0.4 * 0.3, 0.2))
    by_column = {entry.column: entry for entry in schema.derived}
    parts = by_column["s.again.man × dark × old"].all_of
    assert parts == ("s.who.man × dark", "s.age.old")


def test_targets_of_pairs_can_be_given_however_they_are_typed() -> None:
    given = {"woman x dark": {"target": 0.1}, "man × light": {"target": 0.36}}
    schema = schema_of(asking({"who": {"crossed": ["gender", "skin"], "names": given}}))
    assert targets(schema, "who") == {
        "woman × dark": 0.1,
        "woman × light": 0.42,
        "man × dark": 0.12,
        "man × light": 0.36,
    }
    pairs = {"share_of": "all", "crossed": ["gender", "job"]}
    names = {f"{one} x nurse": {"target": 0.2} for one in ("woman", "man")}
    schema = schema_of(asking({"pairs": {**pairs, "names": names}}))
    assert targets(schema, "pairs") == {"woman × nurse": 0.2, "man × nurse": 0.2}


def test_shares_of_derived_names_are_bounded_like_others() -> None:
    attributes = {
        "elders": {"names": {"elder": {"at_least": 0.1, "all_of": ["gender.woman", "old"]}}},
        "who": {
            "crossed": ["gender", "skin"],
            "names": {
                "woman x dark": {"at_least": 0.1, "at_most": 0.3},
                "man x dark": {"target": 0.2, "at_least": 0.15},
            },
        },
    }
    labels = {"l": {"names": {"a": {"any_of": ["nurse", "old"], "at_most": 0.4}}}}
    config = asking(attributes, labels)
    schema = schema_of(config)
    assert targets(schema, "elders") == {"elder": None}
    assert targets(schema, "who") == {
        "woman × dark": None,
        "woman × light": 0.6 * 0.7,
        "man × dark": 0.2,
        "man × light": 0.4 * 0.7,
    }
    assert schema.shares == (
        ShareBound("elders.elder", None, -1, 0.1),
        ShareBound("who.woman × dark", None, -1, 0.1),
        ShareBound("who.woman × dark", None, 1, 0.3),
        ShareBound("who.man × dark", None, -1, 0.15),
        ShareBound(None, "l.a", 1, 0.4),
    )
    assert asked_of(config).shares == schema.shares


def test_names_without_a_target_are_crossed_where_pairs_are_given_theirs() -> None:
    names = {
        "old": {"at_least": 0.1, "all_of": "age.old"},
        "new": {"target": 0.5, "none_of": "old"},
    }
    given = {"woman x old": {"at_most": 0.2}, "man x old": {"target": 0.1}}
    crossed = crossing("gender", "b", share_of="all", names=given)
    schema = schema_of(asking(crossed | {"b": {"names": names}}))
    assert targets(schema, "who") == {
        "woman × old": None,
        "woman × new": 0.3,
        "man × old": 0.1,
        "man × new": 0.2,
    }


def test_labels_are_crossed_too() -> None:
    more = {"place": {"field": "place", "names": ["ward", "street"]}}
    schema = schema_of(asking(labels={**more, "both": {"crossed": ["job", "place"]}}))
    assert schema.labels[-2:] == ("both.nurse × ward", "both.nurse × street")


def test_pairs_can_be_named_however_they_are_typed() -> None:
    names = {"a": {"any_of": ["who.woman x dark", "man × dark", "man x light"]}}
    config = asking({"who": {"crossed": ["gender", "skin"]}}, {"l": {"names": names}})
    pairs = ("woman × dark", "man × dark", "man × light")
    assert schema_of(config).derived[-1].any_of == tuple(f"s.who.{pair}" for pair in pairs)


def test_nothing_that_is_labelled_depends_on_derived_names() -> None:
    plain = asking()
    derived = {"x": {"names": {"a": {"target": 0.1, "all_of": ["woman", "dark"]}}}}
    for attributes in (derived, {"who": {"crossed": ["gender", "skin"]}}):
        config = asking(attributes, {"l": {"names": {"b": {"none_of": "nurse"}}}})
        assert settings_digest(config) == settings_digest(plain)
        assert settings_by_key(config) == settings_by_key(plain)
        assert schema_of(config).arrow == schema_of(plain).arrow


def test_they_are_written_and_read_again() -> None:
    who = {"crossed": ["gender", "skin"], "names": {"woman x dark": {"target": 0.18}}}
    elder = {"names": {"elder": {"target": 0.1, "all_of": "old", "none_of": ["man"]}}}
    config = asking({"who": who, "elders": elder}, {"l": {"crossed": ["job", "gender"]}})
    for mode in ("json", "python"):
        dumped = config.model_dump(mode=mode, round_trip=True)
        assert parse_config(yaml.safe_dump(_listed(dumped)), "c.yaml") == config
    assert dumped["attributes"]["elders"]["names"]["elder"]["none_of"] == ("man",)
    assert "any_of" not in dumped["attributes"]["elders"]["names"]["elder"]


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(part) for key, part in value.items()}
    return [*map(_listed, value)] if isinstance(value, list | tuple) else value


def one(**spec: Any) -> dict[str, Any]:
    return {"x": {"names": {"a": {"target": 0.1, **spec}}}}


def crossing(*groups: str, **more: Any) -> dict[str, Any]:
    return {"who": {"crossed": list(groups), **more}}


APART = {"g": {"combine": "apart", "names": {"v": {"target": 0.5, "lexicon": "v"}}}}
WIDE = {
    f"g{group}": {"field": "f", "names": {f"n{number}": {"target": 0.1} for number in range(30)}}
    for group in range(3)
}


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        (one(all_of="gender.womn"), "x.names.a.all_of: there is no name 'gender.womn'; did you"),
        (one(none_of="oold"), "x.names.a.none_of: there is no name 'oold'; did you mean 'age.old'"),
        (one(any_of="zzzz"), "x.names.a.any_of: there is no name 'zzzz'; there are: gender.woman,"),
        (one(any_of="gender"), "x.names.a.any_of: 'gender' is a group: give names of it, as "),
        (one(any_of=[]), "x.names.a.any_of: should have at least 1 item"),
        (one(any_of=[3]), "x.names.a.any_of.0: should be text, not 3"),
        (one(all_of="a"), "x: x.a follows from x.a: no name can follow from itself"),
        (one(all_of="old", lexicon="x"), "x: 'a' is both recognised (lexicon) and derived"),
        (
            one(all_of="g.v") | APART,
            "x.names.a.all_of: there is no name 'g.v': is it 'g.v@caption'",
        ),
        (one(), "x: 'a' has no way to be recognised: give lexicon"),
        (
            {"x": {"names": {n: {"target": 0.1, "all_of": of} for n, of in ("ab", "bc", "ca")}}},
            " follows from x.",
        ),
        (
            {k: {"names": {"z": {"target": 0.1, "lexicon": "z"}}} for k in "pq"} | one(all_of="z"),
            "x.names.a.all_of: there are several 'z': is it p.z or q.z?",
        ),
        (
            {"x": {"combine": "apart", **one(all_of="old")["x"]}},
            "x: 'a' is derived (all_of) and has no source to be kept apart by",
        ),
        (crossing("gender", "skn"), "who.crossed: there is no group 'skn'; did you mean 'skin'?"),
        (
            crossing("gender", "gender"),
            "who.crossed: 'gender' is crossed with itself: name it once",
        ),
        (crossing("gender"), "who.crossed: should have at least 2 items"),
        (crossing("gender", "who"), "who.crossed: 'who' cannot be crossed with what is made of it"),
        (
            crossing("gender", "b") | {"b": {"crossed": ["skin", "who"]}},
            "who.crossed: 'who' cannot be crossed with what is made of it",
        ),
        (
            crossing("gender", "g") | APART,
            "who.crossed: 'g' has combine: apart, and so a group for",
        ),
        (crossing("gender", "age"), "who.share_of: missing; the groups that are crossed have both"),
        (crossing("gender", "job"), "who.names: the labels 'job' have no targets to multiply"),
        (
            crossing("gender", "skin", names={"womn x dark": {"target": 0.1}}),
            "who.names.womn x dark: there is no name 'womn x dark'; did you mean 'woman × dark'?",
        ),
        (
            crossing("gender", "skin", names={"woman x dark": {"target": 0.5}}),
            "who: with share_of: group the targets are shares of one whole: they must add up to 1, "
            "not to 1.32",
        ),
        (
            {"age": {"names": {"old": {"at_least": 0.2, "lexicon": "old"}}}}
            | crossing("gender", "age", share_of="all"),
            "who.names: age.old has no target to multiply: give 'woman × old' one, or at_least or",
        ),
        (
            crossing("gender", "skin", names={"woman x dark": {"at_least": 0.3}}),
            "who: with share_of: group the shares of all names add up to 1, and targets, at_least "
            "and at_most ask for 1.12 to 1.82",
        ),
        (
            crossing("gender", "skin", names={"woman x dark": {}}),
            "who.names.woman x dark: asks for nothing: give a target, at_least or at_most",
        ),
        (
            crossing("gender", "skin", names={"woman x dark": {"target": 1}}),
            "who.names.woman x dark.target: should be less than 1, not 1",
        ),
        (crossing("gender", "skin", field="f"), "who.field: unknown key"),
        (WIDE | crossing("g0", "g1", "g2"), "who.crossed: that makes 27,000 names, and 10,000 is"),
        (
            crossing("gender", "skin", share_of="all")
            | one(all_of="who.woman x dark")
            | {"skin": {"names": {"dark": {"target": 0.3, "any_of": "x.a"}}}},
            " follows from ",
        ),
    ],
)
def test_what_cannot_be_is_a_sentence_at_its_key(attributes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as error:
        asking(attributes)
    line = str(error.value).splitlines()[1]
    assert line.startswith("  attributes.")
    assert sentence in line.removeprefix("  attributes.")


def test_the_page_shows_what_can_be_asked_and_what_check_says() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    conditions, derived = (
        yaml.safe_load(part.partition("```")[0]) for part in page.split("```yaml")[1:3]
    )
    asking(conditions["attributes"], conditions["labels"])
    more = {"input": {"shards": "a.tar"}, "balance": {"eta": 0.5}, "output": {"url": "out"}}
    schema = schema_of(config_in({**derived, **more}))
    said = page.partition("derived, and nothing is labelled for them: ")[2].partition("\n")[0]
    assert said == named_with_targets(derived_names(schema))
