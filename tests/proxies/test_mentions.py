"""What samples mention, and counting it over a labelled shard."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.labelled import BY_CAPTION, Labelled, labelling_config, sample
from transforms.config.schema import SIMILARITY
from transforms.config.sections import Input
from transforms.labels.findings import Findings
from transforms.labels.labelling import PartLabels, write_labels
from transforms.labels.rows import reject_table
from transforms.proxies.mentions import mentions, tally_shard, texts, words
from transforms.recognition.lexicon import Lexicon
from transforms.shards.samples import Sample


def source(**more: Any) -> Input:
    return Input(shards=("in/*.tar",), **more)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A red Tie, and a TIE!", {"red", "tie"}),
        ("the well-known doctor's 3d film_2 of 1999", {"well", "known", "doctor", "film"}),
        ("woman1, woman%20two", {"woman", "two"}),
        ("", set()),
        ("Ein Café\u0301 für Ärzte", {"ein", "café\u0301", "für", "ärzte"}),
        ("हिन्दी भाषा", {"हिन्दी", "भाषा"}),
        ("猫 と 犬", {"猫", "と", "犬"}),
        ("x" * 64 + " " + "y" * 65, {"x" * 64}),
    ],
)
def test_words(text: str, found: set[str]) -> None:
    assert words(text) == found


@given(st.text(max_size=60))
def test_a_lexicon_of_a_word_finds_it_where_it_was_seen(text: str) -> None:
    found = sorted(words(text))
    assert Lexicon({i: [word] for i, word in enumerate(found)}).columns(text) == set(
        range(len(found))
    )


def test_texts_of_a_field() -> None:
    document = {"objects": ["tie", ["cup", 3, True, "y" * 65]], "more": {"deep": "\ud800x"}}
    assert texts(document, "objects") == {"tie", "cup"}
    assert texts(document, "more.deep") == {"?x"}
    assert texts(document, "nowhere") == set()


@pytest.mark.parametrize(
    ("members", "field", "options", "found"),
    [
        ({"txt": b"a tie"}, None, {}, {"tie"}),
        ({"txt": b"caf\xff tie"}, None, {}, {"caf", "tie"}),
        ({"json": b'{"objects": ["tie"]}'}, None, {}, None),
        ({"json": b'{"objects": ["tie"]}'}, "objects", {}, {"tie"}),
        ({"json": b"{"}, "objects", {}, None),
        ({"json": b'{"says": "a tie"}'}, None, {"caption_field": "says"}, {"tie"}),
        ({"json": b'{"says": 3}'}, None, {"caption_field": "says"}, None),
    ],
)
def test_mentions_are_the_captions_or_the_fields(
    members: dict[str, bytes], field: str | None, options: dict[str, Any], found: set[str] | None
) -> None:
    assert mentions(Sample("k", 0, 1, members), source(**options), field) == found


def test_a_shard_is_counted_by_its_labels(tmp_path: Path) -> None:
    entries = [
        *sample("a", txt="a woman with a tie"),
        *sample("b", txt="a man with a tie", json={"objects": ["tie"]}),
        *sample("c", txt="a man in a hat", json={"objects": ["hat", "hat"]}),
        *sample("d", txt="a tie"),
        *sample("e", txt=b"\xff"),
    ]
    config = labelling_config(tmp_path, BY_CAPTION)
    shard = Labelled(tmp_path, config, entries)
    assert [key for key, *_ in shard.rejects] == ["e"]
    tally = tally_shard(shard.record, config, None, shard.storage)
    rows = zip(tally.candidates, tally.mentions, tally.mentions_on_side.tolist(), strict=True)
    counts = {candidate: (int(samples), sides) for candidate, samples, sides in rows}
    assert tally.samples == 4
    assert tally.on_side.tolist() == [1, 2, 3, 2]
    assert counts["tie"] == (3, [1, 1, 2, 2])
    assert counts["hat"] == (1, [0, 1, 1, 0])
    by_field = tally_shard(shard.record, config, "objects", shard.storage)
    assert by_field.samples == 2
    assert dict(zip(by_field.candidates, by_field.mentions.tolist(), strict=True)) == {
        "tie": 1,
        "hat": 1,
    }


def test_what_the_quality_filter_drops_is_not_counted(tmp_path: Path) -> None:
    entries = [*sample("a", txt="a woman, a tie"), *sample("b", txt="a man, a hat")]
    shard = Labelled(tmp_path, labelling_config(tmp_path, BY_CAPTION), entries)
    config = labelling_config(tmp_path, BY_CAPTION, filter={"min_similarity": 0.2})
    scored = shard.table.append_column(SIMILARITY, pa.array([0.1, 0.3], pa.float32()))
    part = PartLabels(0, scored, reject_table([]), Findings(), {})
    record = write_labels(shard.shard, "with similarity", [part], shard.storage)
    tally = tally_shard(record, config, None, shard.storage)
    assert tally.samples == 1
    assert set(tally.candidates) == {"man", "hat"}
