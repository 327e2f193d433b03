"""How many samples mention a candidate, by whether they carry each sensitive attribute."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.config.schema import Attribute
from transforms.statistics.moments import share_base

MOST_CANDIDATES = 1_000_000
Counts = NDArray[np.int64]


def sides_of(s: NDArray[np.bool_], attributes: tuple[Attribute, ...]) -> NDArray[np.bool_]:
    """On which side of each attribute's association samples stand, bool (n, 2 m), of s (n, m).

    The first m columns: carries k. The others: takes part and does not, as in measures.py.
    """
    others = [(share_base(s, attributes, k) > 0) & ~s[:, k] for k in range(len(attributes))]
    return np.column_stack([s, *others])


@dataclass
class Tally:
    """Counts the samples that mention each candidate: create, add samples, merge.

    samples, and on_side, int64 (2 m,), count all that were added, by `sides_of`. No more than
    `most` candidates are held: when there are more, the rarest are let go, and no count is short
    by more than `short` (0 until then), the sum of the largest counts let go each time.
    """

    sides: int
    most: int = MOST_CANDIDATES
    samples: int = 0
    short: int = 0
    on_side: Counts = field(init=False)
    _table: pa.Table = field(init=False)

    def __post_init__(self) -> None:
        self.on_side = np.zeros(self.sides, np.int64)
        self._table = _table([], np.empty((0, 1 + self.sides), np.int64))

    @property
    def candidates(self) -> list[str]:
        """The C candidates, in no order that means anything."""
        found: list[str] = self._table.column("candidate").to_pylist()
        return found

    @property
    def mentions(self) -> Counts:
        """The samples that mention each candidate, int64 (C,)."""
        return self._column(0)

    @property
    def mentions_on_side(self) -> Counts:
        """The same by side, int64 (C, 2 m)."""
        columns = [self._column(1 + side) for side in range(self.sides)]
        return np.column_stack(columns) if columns else np.empty((len(self._table), 0), np.int64)

    def add(self, mentioned: Sequence[Collection[str]], sides: NDArray[np.bool_]) -> Self:
        """Count n samples: the distinct candidates that each mentions, and `sides`, (n, 2 m)."""
        counted = sides.astype(np.int64)
        self.samples += len(mentioned)
        self.on_side = self.on_side + counted.sum(axis=0)
        numbers: dict[str, int] = {}
        row = [numbers.setdefault(one, len(numbers)) for found in mentioned for one in found]
        sample = np.repeat(np.arange(len(mentioned)), [len(found) for found in mentioned])
        matrix = sp.csr_array(
            (np.ones(len(row), np.int64), (row, sample)), shape=(len(numbers), len(mentioned))
        )
        every = np.ones((len(mentioned), 1), np.int64)
        self._append(_table(list(numbers), matrix @ np.hstack([every, counted])))
        return self

    def merge(self, other: "Tally") -> Self:
        """Add everything that `other` counted."""
        self.samples += other.samples
        self.short += other.short
        self.on_side = self.on_side + other.on_side
        self._append(other._table)
        return self

    def _append(self, part: pa.Table) -> None:
        names = part.column_names
        summed = (
            pa.concat_tables([self._table, part])
            .group_by("candidate", use_threads=False)
            .aggregate([(name, "sum") for name in names[1:]])
        )
        table = summed.select(["candidate", *(f"{name}_sum" for name in names[1:])])
        self._table = table.rename_columns(names).combine_chunks()
        if self._table.num_rows > self.most:
            self._let_go()

    def _let_go(self) -> None:
        order = pc.sort_indices(
            self._table, sort_keys=[("all", "descending"), ("candidate", "ascending")]
        )
        ordered = self._table.take(order)
        self.short += ordered.column("all")[self.most].as_py()
        self._table = ordered.slice(0, self.most).combine_chunks()

    def _column(self, number: int) -> Counts:
        return np.asarray(self._table.column(1 + number).to_numpy())


def _table(candidates: list[str], counts: Counts) -> pa.Table:
    """Candidates with their counts, int64 (C, 1 + 2 m): of all samples, then by side."""
    names = ["all", *(str(side) for side in range(counts.shape[1] - 1))]
    columns = {name: counts[:, column] for column, name in enumerate(names)}
    return pa.table({"candidate": pa.array(candidates, pa.string()), **columns})
