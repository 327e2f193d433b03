"""What is advised of rejects, as real readers word them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.labelled import BY_CAPTION, FOX, Labelled, labelling_config, sample
from tests.tarmaking import Entry, make_tar
from transforms.config.tables import TableColumn
from transforms.labels.joined_utility import utility_in
from transforms.labels.reject_remedies import reject_remedy
from transforms.recognition.typed_values import values_array

ANEW = "(labels depend on it, and are all made anew)"
MEND = "mend the samples in their shards"
GOOD = sample("good", txt="she", jpg=FOX, json={"q": 1})


@pytest.mark.parametrize(
    ("entries", "sections", "remedy"),
    [
        (
            sample("bad", jpg=FOX),
            {},
            f"add the member to the samples, or name its extension in input.members.caption {ANEW}",
        ),
        (sample("bad", txt=b"\xff", jpg=FOX), {}, MEND),
        (sample("bad", txt="she", jpg=b"GIF89a"), {"similarity": True}, MEND),
        (
            sample("bad", txt="she", jpg=FOX, json={}),
            {"utility": {"field": "q"}},
            f"give the samples such a field, or correct utility.field {ANEW}",
        ),
        (
            sample("bad", txt="she", jpg=FOX, json={"q": -1}),
            {"utility": {"field": "q"}},
            f"give the samples such a field, or correct utility.field {ANEW}",
        ),
        (
            sample("bad", jpg=FOX, json={"q": 1}),
            {"input": {"caption_field": "text"}},
            f"give the samples such a field, or correct input.caption_field {ANEW}",
        ),
        (
            sample("bad", txt="she" * 9, jpg=FOX),
            {"input": {"limits": {"max_caption_bytes": 8}}},
            f"raise input.limits.max_caption_bytes {ANEW}",
        ),
        (
            sample("bad", txt="she", jpg=FOX),
            {"similarity": True, "input": {"limits": {"max_pixels": 10}}},
            f"raise input.limits.max_pixels {ANEW}",
        ),
        (
            [("a.b.txt", b"she"), ("a.c.txt", b"he")],
            {},
            "rename the members, so that no key holds a dot",
        ),
    ],
)
def test_each_says_what_would_do(
    tmp_path: Path, entries: list[Entry], sections: dict[str, Any], remedy: str
) -> None:
    config = labelling_config(tmp_path, BY_CAPTION, **sections)
    found = Labelled(tmp_path, config, [*GOOD, *entries])
    errors = [(stage, error) for key, stage, error in found.rejects if key != "good"]
    assert errors
    assert {reject_remedy(*error) for error in errors} == {remedy}


@pytest.mark.parametrize("cut", [700, 1400, -1])
def test_a_damaged_shard_is_to_be_replaced(tmp_path: Path, cut: int) -> None:
    whole = make_tar([*GOOD, *sample("more", txt="she", jpg=FOX)])
    content = b"<html>" + bytes(2000) if cut < 0 else whole[:cut]
    found = Labelled(tmp_path, labelling_config(tmp_path, BY_CAPTION), content)
    assert found.rejects
    assert {reject_remedy(stage, error) for _, stage, error in found.rejects} == {
        "put a whole copy in the place of the shard"
    }


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("the table t has no row for it", "give these samples rows in the table, or let it say"),
        ("the table embeddings.c has no caption for it, and so no", "give the captions of these"),
    ],
)
def test_a_sample_that_a_table_lacks_is_to_be_in_it(error: str, remedy: str) -> None:
    assert reject_remedy("table", error).startswith(remedy)


@pytest.mark.parametrize("numbers", [[], [1, 2], [-1]])
def test_a_utility_of_a_table_is_to_be_one_number(numbers: list[float]) -> None:
    _, errors = utility_in(values_array([numbers]), TableColumn(table="t", name="q"), np.ones(1))
    assert "give these samples one number from 0 up in the column, or correct utility.column" in (
        reject_remedy("table", errors[0])
    )
