"""Sums that do not depend on the order: against Python's exact fractions."""

from fractions import Fraction
from functools import reduce

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transforms.statistics.exact_sums import FixedSums

UNIT = Fraction(1, 2**40)
numbers = st.floats(-(2.0**40), 2.0**40, allow_nan=False) | st.floats(-2.0, 2.0)


def exact(value: float) -> Fraction:
    """The nearest unit, ties to even."""
    return round(Fraction(value) / UNIT) * UNIT


def merged(values: list[float]) -> FixedSums:
    return reduce(FixedSums.merge, (FixedSums.of(np.array([value])) for value in values))


@given(st.lists(numbers, min_size=1, max_size=20))
def test_every_order_gives_the_same_bits(values: list[float]) -> None:
    one = merged(values)
    shuffled = sorted(values, key=lambda value: (hash(value) % 7, value))
    other = merged(shuffled)
    half = len(values) // 2
    tree = merged(values[half:]).merge(merged(values[:half])) if half else one
    for sums in (other, tree):
        assert (sums.whole[0], sums.rest[0]) == (one.whole[0], one.rest[0])


@given(st.lists(numbers, min_size=1, max_size=20))
def test_a_sum_is_that_of_its_numbers_to_a_unit_each(values: list[float]) -> None:
    sums = merged(values)
    found = int(sums.whole[0]) + int(sums.rest[0]) * UNIT
    assert found == sum(map(exact, values))
    assert 0 <= sums.rest[0] < 2**40
    assert sums.extract()[0] == float(int(sums.whole[0])) + float(int(sums.rest[0])) * 2.0**-40


def test_1e10_samples_of_large_weights_do_not_overflow() -> None:
    part = FixedSums.of(np.array([2.0**58 + 0.5, -(2.0**58), 0.75]))
    total = reduce(FixedSums.merge, [part] * 16)
    assert total.extract().tolist() == [2.0**62, -(2.0**62), 12.0]
    assert total.whole.dtype == total.rest.dtype == np.int64
