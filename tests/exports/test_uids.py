"""Uids are those of Python's own reading, sorted and merged as numpy sorts them."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.exports.uids import UID, Uids, in_order, merged, parsed, without_doubles

HEX = "0123456789abcdefABCDEF"
TEXTS = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.text(alphabet=HEX, min_size=32, max_size=32),
    st.text(alphabet=HEX + "gx é\x00", min_size=30, max_size=34),
)


def number_of(text: str | None) -> int | None:
    """A uid as Python reads it, where it is one."""
    return int(text, 16) if text is not None and len(text) == 32 and set(text) <= set(HEX) else None


@given(st.lists(TEXTS, max_size=30), st.integers(0, 5))
def test_texts_are_read_as_python_reads_them(texts: list[str | None], first: int) -> None:
    column = pa.chunked_array([pa.array([], pa.string()), pa.array(texts, pa.string())])
    uids, named = parsed(column.slice(first))
    wanted = [number_of(text) for text in texts[first:]]
    assert named.tolist() == [number is not None for number in wanted]
    for number, (high, low) in zip(wanted, uids.tolist(), strict=True):
        assert number is None or (high << 64) + low == number


def uids_of(rows: list[tuple[int, int, bool]]) -> Uids:
    return np.array(rows, UID)


ROWS = st.tuples(st.sampled_from([0, 1, 2**63, 2**64 - 1]), st.integers(0, 6), st.booleans())


@given(st.lists(st.lists(ROWS, max_size=40), max_size=5), st.integers(1, 30))
def test_parts_are_merged_in_one_order(parts: list[list[tuple[int, int, bool]]], held: int) -> None:
    sorted_parts = [without_doubles(in_order(uids_of(rows)))[0] for rows in parts]
    readers = [lambda first, last, part=part: part[first:last] for part in sorted_parts]
    blocks = [[(high, low) for high, low, _ in block.tolist()] for block in merged(readers, held)]
    found = [pair for block in blocks for pair in block]
    assert found == sorted((high, low) for part in sorted_parts for high, low, _ in part.tolist())
    for before, after in pairwise(blocks):
        assert before[-1] < after[0]


@given(st.lists(ROWS, max_size=40))
def test_each_is_there_once_and_what_is_kept_and_dropped_is_seen(
    rows: list[tuple[int, int, bool]],
) -> None:
    once, mixed = without_doubles(in_order(uids_of(rows)))
    by_uid: dict[tuple[int, int], set[bool]] = {}
    for high, low, kept in rows:
        by_uid.setdefault((high, low), set()).add(kept)
    assert [(high, low) for high, low, _ in once.tolist()] == sorted(by_uid)
    assert [(high, low) for high, low, _ in mixed.tolist()] == sorted(
        uid for uid, kept in by_uid.items() if len(kept) == 2
    )
    alike = {(high, low): kept for high, low, kept in once.tolist() if len(by_uid[high, low]) == 1}
    assert all({kept} == by_uid[uid] for uid, kept in alike.items())


def test_a_uid_takes_17_bytes() -> None:
    assert UID.itemsize == 17


@pytest.mark.parametrize("size", [0, 1])
def test_nothing_is_merged_to_nothing(size: int) -> None:
    none = np.empty(0, UID)
    assert list(merged([lambda first, last: none] * size, 10)) == []
