"""Tallies: exact counts by side, merging, and the bound where candidates are let go."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.config.schema import Attribute
from transforms.proxies.contingency import Tally, sides_of

SAMPLES = st.lists(
    st.tuples(st.frozensets(st.sampled_from("abcdefgh")), st.tuples(st.booleans(), st.booleans())),
    max_size=30,
)


def tally_of(samples: list[tuple[frozenset[str], tuple[bool, bool]]], most: int = 100) -> Tally:
    sides = np.array([side for _, side in samples], np.bool_).reshape(-1, 2)
    return Tally(2, most).add([mentioned for mentioned, _ in samples], sides)


def counts_of(tally: Tally) -> dict[str, list[int]]:
    rows = np.column_stack([tally.mentions, tally.mentions_on_side])
    return dict(zip(tally.candidates, rows.tolist(), strict=True))


@given(first=SAMPLES, second=SAMPLES)
def test_counts_are_the_samples_own_however_they_are_parted(
    first: list[tuple[frozenset[str], tuple[bool, bool]]],
    second: list[tuple[frozenset[str], tuple[bool, bool]]],
) -> None:
    expected: dict[str, list[int]] = {}
    for mentioned, sides in first + second:
        for one in mentioned:
            row = expected.setdefault(one, [0, 0, 0])
            for column, counts in enumerate((True, *sides)):
                row[column] += counts
    for tally in (tally_of(first + second), tally_of(first).merge(tally_of(second))):
        assert counts_of(tally) == expected
        assert tally.samples == len(first) + len(second)
        assert tally.on_side.tolist() == [
            sum(sides[side] for _, sides in first + second) for side in (0, 1)
        ]
        assert tally.short == 0


@given(parts=st.lists(SAMPLES, max_size=6), most=st.integers(1, 8))
def test_no_count_is_short_by_more_than_is_said(
    parts: list[list[tuple[frozenset[str], tuple[bool, bool]]]], most: int
) -> None:
    tally = Tally(2, most)
    for part in parts:
        tally.merge(tally_of(part, most))
    exact = Counter(one for part in parts for mentioned, _ in part for one in mentioned)
    found = dict(zip(tally.candidates, tally.mentions.tolist(), strict=True))
    assert len(found) <= most
    for one, times in exact.items():
        assert times - tally.short <= found.get(one, 0) <= times
    if len(exact) <= most:
        assert tally.short == 0


def test_the_most_frequent_stay() -> None:
    samples = [(frozenset("ab"), (True, False))] * 3 + [(frozenset("c"), (False, True))] * 2
    tally = tally_of(samples, most=2)
    assert counts_of(tally) == {"a": [3, 3, 0], "b": [3, 3, 0]}
    assert tally.short == 2


@pytest.mark.parametrize(
    ("share_of", "others"),
    [("all", [[0, 1], [1, 0], [0, 0], [1, 1]]), ("group", [[0, 1], [1, 0], [0, 0], [0, 0]])],
)
def test_others_are_those_who_take_part_and_do_not_carry(
    share_of: str, others: list[list[int]]
) -> None:
    s = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.bool_)
    attributes = tuple(Attribute(f"g.{name}", "g", 0.5, share_of) for name in ("a", "b"))
    assert sides_of(s, attributes).astype(int).tolist() == np.hstack([s, others]).tolist()
