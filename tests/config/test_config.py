from pathlib import Path
from typing import Any

import pytest
import yaml

from transforms.base.errors import ConfigError
from transforms.config.balance import ShareBound
from transforms.config.files import parse_config, read_config
from transforms.config.schema import asked_of, schema_of
from transforms.config.sections import Config, OutputConfig
from transforms.recognition.settings import settings_digest

SMALLEST = """
input: {shards: "a.tar"}
attributes: {g: {names: {w: {target: 0.5, lexicon: w}}}}
balance: {eta: 0.5}
output: {url: out}
"""


def changed(old: str, new: str) -> str:
    assert old in SMALLEST
    return SMALLEST.replace(old, new)


def test_the_smallest_configuration_has_defaults() -> None:
    config = parse_config(SMALLEST, "c.yaml")
    assert config.output.samples_per_shard == 10_000
    assert config.balance.Q == 1
    assert config.engine.name == "beam"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (changed("eta: 0.5", "eta: 1.5"), "balance: eta = 1.5 is above Q = 1"),
        (changed("eta: 0.5", "eta: most"), "balance.eta: should be a number above 0 or auto (the"),
        (changed("eta: 0.5", "eta: 0"), "is attainable), not 0"),
        (
            changed("eta: 0.5", "eta: 0.5, V: {association: 0}"),
            "balance.V: should be a number abov",
        ),
        (changed("eta: 0.5", "eta: 0.5, V: {age: 1}"), "names 'age'; the kinds of constraints are"),
        (
            changed("eta: 0.5", "eta: 0.5, priority: [age]"),
            "priority.0: should be 'representation'",
        ),
        (changed("eta: 0.5", "eta: 0.5, priority: [skew, skew]"), "priority: names skew twice"),
        (
            changed("eta: 0.5", "eta: 0.5, generation: {}"),
            "generation: give at least one of",
        ),
        (
            changed("eta: 0.5", "eta: 0.5, generation: {max_representation_bias: 2}"),
            "generation.max_representation_bias: should be less than or equal to 1",
        ),
        (
            changed("eta: 0.5", "eta: 0.5, generation: {max_bias: 0.1}"),
            "balance.generation.max_bias: unknown",
        ),
        (changed("eta: 0.5", "eta: 0.5, generation: 0.1"), "balance.generation: should be"),
        (changed("eta: 0.5", "eta: 0.5, V: 9, priority: skew"), "and V is a number for it"),
        (
            changed("target: 0.5, ", ""),
            "names.w: asks for nothing: give a target, at_least or at_m",
        ),
        (changed("target: 0.5", "at_least: 0"), "names.w.at_least: should be greater than 0"),
        (changed("target: 0.5", "at_most: 1.5"), "names.w.at_most: should be less than 1, not 1.5"),
        (changed("target: 0.5", "at_most: true"), "names.w.at_most: should be a number, not True"),
        (changed("target: 0.5", "at_least: 0.3, at_most: 0.2"), "at_least 0.3 is above at_most"),
        (changed("target: 0.5", "target: 0.5, at_most: 0.2"), "the target 0.5 is not within"),
        (SMALLEST + "labels: {l: {names: {a: {lexicon: a, target: 0.1}}}}", "names.a.target: unkn"),
        (
            changed("{names: {w: {target: 0.5,", "{share_of: group, names: {w: {at_most: 0.5,"),
            "at_most ask for 0 to 0.5",
        ),
        (changed("eta: 0.5", "etta: 0.5"), "balance.etta: unknown key"),
        (changed("eta: 0.5", "etta: 0.5"), "balance.eta: missing"),
        (changed("target: 0.5", "target: 1.5"), "names.w.target: should be less than 1, not 1.5"),
        (changed(", lexicon: w", ""), "'w' has no way to be recognised"),
        (changed("lexicon: w", "prompts: w"), "zero-shot needs an alternative"),
        (changed("{w:", "{w.x:"), "may hold letters, digits"),
        (changed("url: out", "url: out, bytes_per_shard: 1, samples_per_shard: 1"), "not both"),
        (SMALLEST + "filter: {min_similarity: 0.2}", "need a model"),
        (SMALLEST + "utility: {field: a, score: similarity}", "field or score, not both"),
        (SMALLEST + "engine: {name: 3}", "engine.name: should be text, not 3: put it in quotes"),
        ("[1", "not valid YAML"),
        ("just text", "holds no mapping"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)
def test_an_error_names_the_key_and_what_is_allowed(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "c.yaml")
    assert expected in str(caught.value)


def test_a_number_that_yaml_reads_as_text_is_one() -> None:
    text = changed("eta: 0.5", "eta: 5e-1, V: {association: 1e3}, max_label_skew: 1e-1")
    balance = parse_config(text, "c.yaml").balance
    assert (balance.eta, balance.max_label_skew) == (0.5, 0.1)
    assert balance.model_dump()["V"] == {"association": 1000.0}


def test_what_comes_first_is_part_of_a_dump_only_where_it_is_given() -> None:
    """So that plans and labels of configurations without it stay theirs."""
    plain = parse_config(SMALLEST, "c.yaml").balance
    assert "priority" not in plain.model_dump(mode="json")
    text = changed("eta: 0.5", "eta: 0.5, V: {skew: 2}, priority: representation")
    balance = parse_config(text, "c.yaml").balance
    assert balance.model_dump(mode="json")["priority"] == ["representation"]
    assert balance.ranks == (("representation",), ("association", "share"))
    assert balance.prices == {"skew": 2.0}


def test_names_may_have_bounds_on_their_shares_beside_a_target_or_without() -> None:
    text = changed(
        "w: {target: 0.5, ", "v: {target: 0.5, at_least: 0.4, lexicon: v}, w: {at_most: 0.2, "
    )
    text += "labels: {l: {names: {a: {lexicon: a}, b: {lexicon: b, at_least: 0.1, at_most: 0.3}}}}"
    config = parse_config(text, "c.yaml")
    schema = schema_of(config)
    assert [(one.target, one.pi) for one in schema.attributes] == [(0.5, 0.5), (None, 0.0)]
    assert (
        schema.shares
        == asked_of(config).at(0.3).shares
        == (
            ShareBound("g.v", None, -1, 0.4),
            ShareBound("g.w", None, 1, 0.2),
            ShareBound(None, "l.b", -1, 0.1),
            ShareBound(None, "l.b", 1, 0.3),
        )
    )
    assert schema_of(Config.model_validate(config.model_dump(mode="json"))) == schema


def test_each_source_of_a_name_apart_has_its_bound() -> None:
    text = changed(
        "{names: {w: {target: 0.5,",
        "{combine: apart, names: {w: {at_most: 0.5, field: {path: p, values: w},",
    )
    shares = schema_of(parse_config(text, "c.yaml")).shares
    assert [share.attribute for share in shares] == ["g.w@caption", "g.w@metadata"]


def test_bounds_on_shares_leave_other_digests_as_they_were() -> None:
    """Of a configuration without them nothing is dumped; labels do not depend on them."""
    plain = parse_config(SMALLEST, "c.yaml")
    dumped = plain.model_dump(mode="json")["attributes"]["g"]["names"]["w"]
    assert not {"at_least", "at_most"} & set(dumped) and dumped["target"] == 0.5
    bounded = parse_config(changed("target: 0.5", "target: 0.5, at_most: 0.6"), "c.yaml")
    assert settings_digest(bounded) == settings_digest(plain)


def test_the_rate_may_be_left_open() -> None:
    balance = parse_config(changed("eta: 0.5", "eta: auto"), "c.yaml").balance
    assert balance.eta == "auto"
    assert balance.at(0.25).rate == 0.25
    with pytest.raises(ConfigError, match="auto is left open here"):
        _ = balance.rate


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_config(tmp_path / "none.yaml")


def test_relative_paths_are_taken_from_the_file(tmp_path: Path) -> None:
    text = SMALLEST.replace("a.tar", "in/*.tar").replace("url: out", "url: gs://bucket/out")
    (tmp_path / "c.yaml").write_text(text + "model: {name: 'local-dir:model'}\n")
    config = read_config(tmp_path / "c.yaml")
    assert config.input.shards == (str(tmp_path / "in/*.tar"),)
    assert config.output.url == "gs://bucket/out"
    assert config.model is not None
    assert config.model.name == f"local-dir:{tmp_path / 'model'}"


def test_a_group_field_recognises_each_name_by_itself() -> None:
    config = parse_config(
        SMALLEST + "labels: {object: {field: objects, names: [dog, hot dog]}}", "c.yaml"
    )
    field = config.labels["object"].names["hot dog"].field
    assert field is not None
    assert (field.path, field.values) == ("objects", ("hot dog",))


def test_sources_apart_are_attributes_and_groups_of_their_own() -> None:
    text = """
input: {shards: "a.tar"}
attributes:
  g:
    combine: apart
    share_of: group
    names:
      w: {target: 0.4, lexicon: w, field: {path: sex, values: f}}
      x: {target: 0.6, lexicon: x}
balance: {eta: 0.5}
output: {url: out}
"""
    schema = schema_of(parse_config(text, "c.yaml"))
    assert schema.pattern_columns == ("s.g.w@caption", "s.g.w@metadata", "s.g.x@caption")
    assert [(a.name, a.group, a.target) for a in schema.attributes] == [
        ("g.w@caption", "g@caption", 0.4),
        ("g.w@metadata", "g@metadata", 0.4),
        ("g.x@caption", "g@caption", 0.6),
    ]


def test_the_configuration_cannot_change() -> None:
    config = parse_config(SMALLEST, "c.yaml")
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3
    assert isinstance(config, Config)


@pytest.mark.parametrize(
    ("given", "beside"),
    [
        ({}, None),
        ({"beside": None}, None),
        ({"beside": []}, ()),
        ({"beside": "sizes"}, ("sizes",)),
        ({"beside": ["sizes", "samples", "sizes"]}, ("samples", "sizes")),
    ],
)
def test_what_lies_beside_shards_is_named_once_in_one_order(given: Any, beside: Any) -> None:
    assert OutputConfig(url="out", **given).beside == beside


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"beside": ["tables"]}, "output.beside.0: "),
        ({"beside": False}, "output.beside.0: "),
        ({"keys": "distinct"}, "output.keys: "),
        ({"keys": None}, "output.keys: "),
    ],
)
def test_other_words_for_keys_and_what_lies_beside_are_refused(output: Any, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(yaml.safe_dump({"output": {"url": "out", **output}}), "here")
    (line,) = [line for line in str(error.value).splitlines() if line.strip().startswith(said)]
    assert "'samples'" in line or "'keep'" in line


def test_an_output_that_asks_for_neither_is_dumped_as_before_there_were_these_keys() -> None:
    assert not {"keys", "beside"} & OutputConfig(url="out").model_dump().keys()
    given = OutputConfig(url="out", keys="unique", beside=()).model_dump()
    assert (given["keys"], given["beside"]) == ("unique", ())


def test_an_output_that_grows_is_asked_for_by_its_mode() -> None:
    usual = parse_config(SMALLEST, "c.yaml")
    assert (usual.output.mode, usual.output.grows) == ("replace", False)
    assert "mode" not in usual.output.model_dump()
    grows = parse_config(changed("url: out", "url: out, mode: append"), "c.yaml")
    assert grows.output.grows
    assert Config.model_validate(grows.model_dump()).output.mode == "append"
    with pytest.raises(ConfigError, match=r"output\.mode: should be 'replace' or 'append', not 'a"):
        parse_config(changed("url: out", "url: out, mode: add"), "c.yaml")


def test_what_is_not_asked_of_a_generation_is_not_in_the_digest() -> None:
    plain = parse_config(SMALLEST, "c.yaml").model_dump(mode="json")
    assert "generation" not in plain["balance"]
    asked = changed("eta: 0.5", "eta: 0.5, generation: {max_label_skew: 0.2}")
    config = parse_config(asked, "c.yaml")
    dumped = config.model_dump(mode="json")["balance"]["generation"]
    assert dumped["max_label_skew"] == 0.2
    assert Config.model_validate(config.model_dump(mode="json")) == config
    assert settings_digest(config) == settings_digest(parse_config(SMALLEST, "c.yaml"))
