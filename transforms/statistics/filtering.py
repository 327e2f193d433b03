"""The quality filter: its conditions, and how many samples each of them takes, and of whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.config.schema import SIMILARITY
from transforms.config.sections import Config


@dataclass(frozen=True)
class FilterCondition:
    """A condition of the filter, by its key: a column of the label table is at least so much."""

    name: str
    column: str
    least: float

    def passed(self, table: pa.Table) -> NDArray[np.bool_]:
        """The samples that it lets through, bool (n,)."""
        return np.asarray(table.column(self.column).to_numpy() >= self.least)


def conditions_of(config: Config) -> tuple[FilterCondition, ...]:
    """The conditions of a configuration's filter: a sample must pass them all."""
    if config.filter is None:
        return ()
    return (FilterCondition("min_similarity", SIMILARITY, config.filter.min_similarity),)


@dataclass
class FilterCounts:
    """Counts the samples that each condition takes, whatever the others take of them.

    labelled, int64 (1 + flags,): all samples, then those that carry each flag; taken, int64
    (conditions, 1 + flags): those of them that do not pass a condition.
    """

    conditions: tuple[str, ...]
    labelled: NDArray[np.int64]
    taken: NDArray[np.int64]

    @classmethod
    def nothing(cls, conditions: Sequence[FilterCondition], flags: int) -> Self:
        """Of no sample."""
        names = tuple(condition.name for condition in conditions)
        return cls(
            names, np.zeros(1 + flags, np.int64), np.zeros((len(names), 1 + flags), np.int64)
        )

    def add(
        self, table: pa.Table, columns: Sequence[str], passed: Sequence[NDArray[np.bool_]]
    ) -> Self:
        """Count the rows of a label table; `columns` are its flags, `passed` is by condition."""
        flags = table.select(columns)
        taken = [_carriers(flags.filter(pa.array(~let_through))) for let_through in passed]
        self.labelled = self.labelled + _carriers(flags)
        self.taken = self.taken + np.array(taken)
        return self

    def merge(self, other: "FilterCounts") -> Self:
        """Add everything that `other` counted."""
        if (self.conditions, self.labelled.shape) != (other.conditions, other.labelled.shape):
            raise FairshardError("counts of different filters cannot be merged")
        self.labelled = self.labelled + other.labelled
        self.taken = self.taken + other.taken
        return self

    def extract(self) -> Self:
        """The counts."""
        return self


def _carriers(flags: pa.Table) -> NDArray[np.int64]:
    """All rows, then those that carry each flag, int64 (1 + flags,)."""
    carried = [pc.sum(column).as_py() or 0 for column in flags.columns]
    return np.array([flags.num_rows, *carried], np.int64)
