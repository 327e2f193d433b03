"""Candidates: what captions and metadata say, each source, and a reject for each bad part."""

import tarfile
from pathlib import Path

import pytest

from tests.labelled import BY_CAPTION, BY_IMAGE, FOX, OWL, Labelled, labelling_config, sample
from tests.recognition.test_decoding import png_header
from tests.tarmaking import make_tar, special
from transforms.config.schema import schema_of


def test_captions_metadata_and_their_union(tmp_path: Path) -> None:
    config = labelling_config(
        tmp_path,
        {
            "gender": {
                "names": {
                    "woman": {
                        "target": 0.5,
                        "lexicon": ["woman"],
                        "field": {"path": "people.sex", "values": ["f"]},
                    },
                    "man": {"target": 0.5, "lexicon": ["man"]},
                }
            }
        },
        labels={"object": {"field": "objects", "names": ["chair", "traffic light"]}},
        model={},
    )
    labelled = Labelled(
        tmp_path,
        config,
        [
            *sample("a", txt="A woman.", json={"objects": ["chair", "traffic light"]}),
            *sample("b", txt="A person.", json={"people": [{"sex": "m"}, {"sex": "f"}]}),
            *sample("c", jpg=b"not read", txt="A man and a woman.", json={"objects": "chair"}),
            *sample("d", txt="", json={}),
        ],
    )
    assert labelled.true("a") == {"s.gender.woman", "y.object.chair", "y.object.traffic light"}
    assert labelled.true("b") == {"s.gender.woman"}
    assert labelled.true("c") == {"s.gender.woman", "s.gender.man", "y.object.chair"}
    assert labelled.true("d") == set()
    assert labelled.rejects == []
    assert labelled.table.schema.equals(schema_of(config).arrow)
    assert labelled.table["key"].to_pylist() == ["a", "b", "c", "d"]
    assert labelled.table["utility"].to_pylist() == [1.0] * 4


def test_sources_kept_apart_are_columns_of_their_own(tmp_path: Path) -> None:
    woman = BY_CAPTION["gender"]["names"]["woman"] | {"field": {"path": "sex", "values": ["f"]}}
    config = labelling_config(tmp_path, {"gender": {"combine": "apart", "names": {"woman": woman}}})
    labelled = Labelled(
        tmp_path,
        config,
        [*sample("a", txt="she", json={}), *sample("b", txt="it", json={"sex": "f"})],
    )
    assert labelled.true("a") == {"s.gender.woman@caption"}
    assert labelled.true("b") == {"s.gender.woman@metadata"}


def test_a_caption_may_be_a_field_of_the_metadata(tmp_path: Path) -> None:
    config = labelling_config(tmp_path, BY_CAPTION, input={"caption_field": "text.en"})
    labelled = Labelled(
        tmp_path,
        config,
        [
            *sample("a", json={"text": {"en": "a woman"}}, txt=b"\xff"),
            *sample("b", json={"text": {}}),
            *sample("c", json={"text": {"en": 3}}),
            *sample("d", json=b'{"text": {"en": "\\ud800"}}'),
        ],
    )
    assert labelled.true("a") == {"s.gender.woman"}
    assert labelled.rejects == [
        ("b", "caption", "the metadata field text.en does not hold one text"),
        ("c", "caption", "the metadata field text.en does not hold one text"),
        ("d", "caption", "the caption is not UTF-8 text"),
    ]


@pytest.mark.parametrize(
    ("value", "utility"),
    [("0.25", 0.5), ("0", 0.0), ("[3]", 6.0)]
    + [
        (bad, None)
        for bad in ("-1", "NaN", "Infinity", "1e999", "true", '"1"', "null", "[]", "[1, 2]")
    ]
    + [("1" + "0" * 400, None), ("1e308", None)],
)
def test_the_utility_is_a_finite_number_from_0_up(
    tmp_path: Path, value: str, utility: float | None
) -> None:
    config = labelling_config(tmp_path, BY_CAPTION, utility={"field": "score", "scale": 2})
    document = f'{{"score": {value}}}'
    labelled = Labelled(tmp_path, config, sample("a", txt="she", json=document))
    if utility is None:
        assert [(key, stage) for key, stage, _ in labelled.rejects] == [("a", "utility")]
    else:
        assert labelled.rows["a"]["utility"] == utility


def test_each_bad_sample_is_one_reject_and_all_else_is_kept(tmp_path: Path) -> None:
    config = labelling_config(
        tmp_path,
        BY_CAPTION | BY_IMAGE,
        labels={"tool": {"field": "tool", "names": ["hammer"]}},
        similarity=True,
    )
    good = {"jpg": FOX, "txt": "she", "json": {}}
    entries = [
        *sample("good-1", **good),
        *sample("no-caption", jpg=FOX, json={}),
        *sample("bad-caption", **good | {"txt": b"caf\xe9"}),
        special("folder/", tarfile.DIRTYPE),
        *sample("no-metadata", jpg=FOX, txt="she"),
        *sample("bad-metadata", **good | {"json": b"{'tool': 1}"}),
        *sample("deep-metadata", **good | {"json": b"[" * 100_000}),
        *sample("no-image", txt="she", json={}),
        *sample("empty-image", **good | {"jpg": b""}),
        *sample("broken-image", **good | {"jpg": FOX[:-300]}),
        *sample("gif", **good | {"jpg": b"GIF89a" + bytes(100)}),
        *sample("huge-image", png=png_header(20_000, 20_000), txt="she", json={}),
        special("link.jpg", tarfile.SYMTYPE, "/etc/passwd"),
        *sample("../up", **good),
        *sample("good-1", **good),
        *sample("good-2", **good | {"jpg": OWL, "txt": "he", "json": {"tool": "hammer"}}),
    ]
    tar = make_tar(entries) + b"garbage" * 1000
    labelled = Labelled(tmp_path, config, tar)
    assert list(labelled.rows) == ["good-1", "good-2"]
    assert labelled.true("good-2") >= {"s.gender.man", "y.tool.hammer"}
    stages = [(key, stage) for key, stage, _ in labelled.rejects]
    assert stages == [
        ("no-caption", "caption"),
        ("bad-caption", "caption"),
        ("no-metadata", "metadata"),
        ("bad-metadata", "metadata"),
        ("deep-metadata", "metadata"),
        ("no-image", "image"),
        ("empty-image", "image"),
        ("broken-image", "image"),
        ("gif", "image"),
        ("huge-image", "image"),
        ("link", "read"),
        ("../up", "read"),
        ("good-1", "read"),
    ]
    errors = {key: error for key, _, error in labelled.rejects}
    assert errors["no-caption"] == "has no caption member (.txt)"
    assert errors["no-image"] == "has no image member (.jpg, .jpeg, .png, .webp)"
    assert "400,000,000 pixels" in errors["huge-image"]
    assert labelled.record.samples == 2
    assert labelled.record.rejects == 13
    assert sum(labelled.record.ignored.values()) == 2


@pytest.mark.parametrize("content", [b"", b"\0" * 10, make_tar(sample("a", txt="she"))[:520]])
def test_a_shard_without_a_whole_sample_gives_rejects_and_empty_tables(
    tmp_path: Path, content: bytes
) -> None:
    config = labelling_config(tmp_path, BY_CAPTION)
    labelled = Labelled(tmp_path, config, content)
    assert labelled.rows == {}
    assert labelled.table.schema.equals(schema_of(config).arrow)
    assert len(labelled.rejects) == 1


def test_extensions_are_compared_in_any_case(tmp_path: Path) -> None:
    config = labelling_config(tmp_path, BY_CAPTION, input={"members": {"caption": ["Text"]}})
    labelled = Labelled(tmp_path, config, [("a.TEXT", b"she"), ("b.text", b"he")])
    assert labelled.true("a") == {"s.gender.woman"}
    assert labelled.true("b") == {"s.gender.man"}


def test_images_that_nothing_asks_for_are_not_decoded(tmp_path: Path) -> None:
    config = labelling_config(tmp_path, BY_CAPTION)
    labelled = Labelled(tmp_path, config, [*sample("a", txt="she", jpg=b"broken")])
    assert labelled.true("a") == {"s.gender.woman"}


def test_metadata_fields_are_carried_along_as_they_are(tmp_path: Path) -> None:
    config = labelling_config(
        tmp_path,
        {"g": {"names": {"w": {"target": 0.5, "lexicon": ["woman"]}}}},
        input={"carry": ["uid", "meta.id", "uid"]},
    )
    labelled = Labelled(
        tmp_path,
        config,
        [
            *sample("a", txt="A woman.", json={"uid": "007", "meta": {"id": 12345678901234567890}}),
            *sample("b", txt="A man.", json={"uid": None, "meta": [{"id": True}, {"id": "x"}]}),
            *sample("c", txt="A man.", json={}),
        ],
    )
    assert labelled.table.schema.equals(schema_of(config).arrow)
    assert labelled.table["field.uid"].to_pylist() == ["007", None, None]
    assert labelled.table["field.meta.id"].to_pylist() == ["12345678901234567890", "true", None]
