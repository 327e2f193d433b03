"""The quality filter: its conditions, and how many samples each of them takes, and of whom."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.config.filters import ColumnFilter, FieldFilter, OneFilter, SimilarityFilter
from transforms.config.schema import SIMILARITY, value_column
from transforms.config.sections import Config
from transforms.recognition.conditions import Predicate

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class FilterCondition:
    """A condition of the filter, by its name: what must hold of a column of the label table."""

    name: str
    column: str
    holds: Callable[[pa.ChunkedArray], Flags]

    def passed(self, table: pa.Table) -> Flags:
        """The samples that it lets through, bool (n,)."""
        return self.holds(table.column(self.column))

    def lacking(self, table: pa.Table) -> int:
        """How many samples have no value there."""
        column = table.column(self.column)
        if not pa.types.is_list(column.type):
            return int(column.null_count)
        return int(pc.sum(pc.equal(pc.list_value_length(column), 0)).as_py() or 0)


def at_least(least: float) -> Callable[[pa.ChunkedArray], Flags]:
    """That numbers are at least so much, in their own precision."""
    return lambda column: np.asarray(column.to_numpy() >= least)


def conditions_of(config: Config) -> tuple[FilterCondition, ...]:
    """The conditions of a configuration's filter: a sample must pass them all."""
    return tuple(map(_condition, config.filter))


def _condition(given: OneFilter) -> FilterCondition:
    match given:
        case SimilarityFilter():
            return FilterCondition(given.name, SIMILARITY, at_least(given.min_similarity))
        case FieldFilter():
            return FilterCondition(given.name, value_column(given.field), Predicate(given).mask)
        case ColumnFilter():
            return FilterCondition(given.name, value_column(given.column), Predicate(given).mask)


def filter_columns(config: Config) -> list[str]:
    """The columns of the label table that the filter asks of."""
    return list(dict.fromkeys(condition.column for condition in conditions_of(config)))


@dataclass
class FilterCounts:
    """Counts the samples that each condition takes, whatever the others take of them.

    labelled, int64 (1 + flags,): all samples, then those that carry each flag; taken, int64
    (conditions, 1 + flags): those of them that do not pass a condition; together, int64
    (1 + flags,): those that do not pass one of them or more. lacking, int64 (conditions,): samples
    that have no value where the condition asks for one.
    """

    conditions: tuple[str, ...]
    labelled: NDArray[np.int64]
    taken: NDArray[np.int64]
    together: NDArray[np.int64]
    lacking: NDArray[np.int64]

    @classmethod
    def nothing(cls, conditions: Sequence[FilterCondition], flags: int) -> Self:
        """Of no sample."""
        names = tuple(condition.name for condition in conditions)
        return cls(
            names,
            np.zeros(1 + flags, np.int64),
            np.zeros((len(names), 1 + flags), np.int64),
            np.zeros(1 + flags, np.int64),
            np.zeros(len(names), np.int64),
        )

    def add(
        self, table: pa.Table, columns: Sequence[str], conditions: Sequence[FilterCondition]
    ) -> Flags:
        """Count the rows of a label table, `columns` being its flags; which of them pass."""
        flags, passed = table.select(columns), [one.passed(table) for one in conditions]
        balanced = reduce(np.logical_and, passed)
        self.labelled = self.labelled + _carriers(flags)
        self.taken = self.taken + np.array([_carriers(_without(flags, one)) for one in passed])
        self.together = self.together + _carriers(_without(flags, balanced))
        self.lacking = self.lacking + np.array([one.lacking(table) for one in conditions])
        return balanced

    def merge(self, other: "FilterCounts") -> Self:
        """Add everything that `other` counted."""
        if (self.conditions, self.labelled.shape) != (other.conditions, other.labelled.shape):
            raise FairshardError("counts of different filters cannot be merged")
        self.labelled = self.labelled + other.labelled
        self.taken = self.taken + other.taken
        self.together = self.together + other.together
        self.lacking = self.lacking + other.lacking
        return self

    def extract(self) -> Self:
        """The counts."""
        return self


def _without(flags: pa.Table, kept: Flags) -> pa.Table:
    return flags.filter(pa.array(~kept))


def _carriers(flags: pa.Table) -> NDArray[np.int64]:
    """All rows, then those that carry each flag, int64 (1 + flags,)."""
    carried = [pc.sum(column).as_py() or 0 for column in flags.columns]
    return np.array([flags.num_rows, *carried], np.int64)
