"""Which rows a sample draws: the same on every machine, as many as its share, at random."""

import numpy as np
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from transforms.statistics.subsampling import drawn, level_for
from transforms.verification.sampled import in_sample

WORD = (1 << 64) - 1


def splitmix(seed: int, number: int) -> int:
    """The number-th output of SplitMix64, as its authors' reference code computes it."""
    state = (seed + number * 0x9E3779B97F4A7C15) & WORD
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & WORD
    return state ^ (state >> 31)


def test_its_numbers_are_those_that_are_published() -> None:
    assert splitmix(1234567, 1) == 6457827717110365317
    assert splitmix(1234567, 2) == 3203168211198807973


@given(st.integers(1, 2**40), st.integers(1, 2**36))
def test_the_level_is_the_least_that_fits(samples: int, most: int) -> None:
    level = level_for(samples, most)
    assert samples <= most << level
    assert level == 0 or samples > most << (level - 1)


@given(st.text(max_size=8), st.integers(0, 10**9), st.integers(0, 40), st.integers(0, 34))
def test_rows_are_drawn_alike_in_parts_and_by_the_verification(
    shard: str, first: int, rows: int, level: int
) -> None:
    whole = drawn(shard, first, rows, level)
    parts = [drawn(shard, first, 3, level), drawn(shard, first + 3, max(rows - 3, 0), level)]
    np.testing.assert_array_equal(whole, np.concatenate(parts)[:rows])
    np.testing.assert_array_equal(whole, in_sample(shard, first, rows, 2.0**-level))


def test_a_row_is_drawn_where_its_number_begins_with_zeros() -> None:
    seed = xxhash.xxh3_64_intdigest(b"00042")
    expected = [splitmix(seed, row + 1) >> 61 == 0 for row in range(100, 400)]
    np.testing.assert_array_equal(drawn("00042", 100, 300, 3), expected)
    assert any(expected)


def test_as_many_are_drawn_as_the_share_says_and_neighbours_are_no_likelier() -> None:
    chosen = drawn("shard", 0, 1 << 18, 4)
    n, p = len(chosen), 1 / 16
    assert abs(chosen.mean() - p) < 5 * np.sqrt(p / n)
    both = (chosen[1:] & chosen[:-1]).mean()
    assert abs(both - p * p) < 5 * p / np.sqrt(n)
    assert drawn("other", 0, 1 << 18, 4).mean() != chosen.mean()
