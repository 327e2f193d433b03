"""What steps gather merges by its own rule, whatever it is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest

from transforms.gates.metrics import LabelMetrics
from transforms.stages.steps import merged
from transforms.statistics.counting import Counted
from transforms.statistics.exact_sums import FixedSums
from transforms.statistics.filtering import FilterCondition, FilterCounts, at_least
from transforms.statistics.histogram import HistogramAccumulator
from transforms.statistics.mergeable import Mergeable


@dataclass(frozen=True)
class Largest:
    """A statistic that steps know nothing of; 0 and nothing are not the same."""

    value: int

    def merge(self, other: "Largest") -> "Largest":
        return max(self, other, key=lambda one: one.value)

    def extract(self) -> int:
        return self.value

    def __bool__(self) -> bool:
        return bool(self.value)


def patterns(part: int) -> Mergeable:
    rows = np.array([[part == 0, True]])
    return HistogramAccumulator(("s.g.a",), ("y.g.b",)).add_rows(rows, np.ones(1))


def sums(part: int) -> Mergeable:
    return FixedSums.of(np.array([0.1 * part, 1e9]))


def metrics(part: int) -> Mergeable:
    table = pa.table({"key": [str(part)], "utility": [float(part)]})
    return LabelMetrics().add(str(part), [table], table.schema, table.schema)


def filtered(part: int) -> FilterCounts:
    table = pa.table({"x": [part, 1, 2], "f": [part == 0, True, False]})
    condition = FilterCondition("least", "x", at_least(1))
    counts = FilterCounts.nothing([condition], 1)
    counts.add(table, ["f"], [condition])
    return counts


def counted(part: int) -> Mergeable:
    rows = HistogramAccumulator(("s.g.a",), ()).add_rows(np.array([[part == 0]]), np.ones(1))
    return Counted(rows, filtered(part))


@pytest.mark.parametrize("made", [patterns, sums, metrics, filtered, counted, Largest])
def test_every_kind_merges_in_any_order_to_the_same(made: Callable[[int], Mergeable]) -> None:
    def outcome(order: tuple[int, ...]) -> str:
        total = reduce(merged, (made(part) for part in order), None)
        assert total is not None
        return repr(total.extract())

    outcomes = {outcome(order) for order in permutations(range(3))}
    assert len(outcomes) == 1
    assert outcomes != {outcome((0, 1))}


def test_nothing_adds_nothing() -> None:
    assert merged(None, None) is None
    for one in (Largest(0), Largest(3)):
        assert merged(one, None) is one
        assert merged(None, one) is one
