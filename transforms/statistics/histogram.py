"""The joint histogram of patterns: the exact sufficient statistic of the M4 problem.

A pattern is one distinct value of (s, y, utility bin), packed into bytes so that any number of
attributes and labels fits: the bits of s, then of y (most significant first), then two bytes of
utility bin. Counts are integers, so merging is associative, commutative and exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.statistics.patterns import (
    _BIN_BYTES,
    LARGEST_UTILITY,
    UTILITY_UNIT,
    packed,
    packed_flags,
    unpacked,
    with_bins,
)

if TYPE_CHECKING:
    import scipy.sparse as sp

_ROWS_AT_ONCE = 1 << 16


def pattern_bytes(flags: int) -> int:
    """The bytes of a pattern of so many flags."""
    return (flags + 7) // 8 + _BIN_BYTES


@dataclass(frozen=True)
class Histogram:
    """Patterns in lexicographic order with their counts.

    attributes (m names) and labels (c names) give the meaning of the bits; patterns is uint8
    (P, width), unique and sorted; counts is int64 (P,), samples; utility_sums is int64 (P,),
    in units of 2^-20, the sum of the samples' utilities.
    """

    attributes: tuple[str, ...]
    labels: tuple[str, ...]
    patterns: NDArray[np.uint8]
    counts: NDArray[np.int64]
    utility_sums: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def samples(self) -> int:
        """The number of samples counted."""
        return int(self.counts.sum())

    @cached_property
    def utility(self) -> NDArray[np.float64]:
        """The mean utility of each pattern's samples, float64 (P,)."""
        return self.utility_sums * UTILITY_UNIT / np.maximum(self.counts, 1)

    @property
    def utility_bins(self) -> NDArray[np.uint16]:
        """The utility bin of each pattern, uint16 (P,)."""
        tail = np.ascontiguousarray(self.patterns[:, -_BIN_BYTES:])
        return tail.view(">u2").reshape(-1).astype(np.uint16)

    @cached_property
    def s(self) -> NDArray[np.bool_]:
        """The sensitive attributes of each pattern, bool (P, m)."""
        return self._bits(slice(0, len(self)), 0, len(self.attributes))

    @cached_property
    def y(self) -> sp.csr_array:
        """The labels of each pattern as a sparse 0/1 matrix, float64 (P, c)."""
        import scipy.sparse as sp

        first, last = len(self.attributes), len(self.attributes) + len(self.labels)
        if not len(self):
            return sp.csr_array((0, len(self.labels)))
        parts = [
            sp.csr_array(self._bits(slice(start, start + _ROWS_AT_ONCE), first, last), dtype=float)
            for start in range(0, len(self), _ROWS_AT_ONCE)
        ]
        return sp.csr_array(sp.vstack(parts, format="csr"))

    def _bits(self, rows: slice, first: int, last: int) -> NDArray[np.bool_]:
        start = first // 8
        unpacked = np.unpackbits(self.patterns[rows, start : (last + 7) // 8], axis=1)
        return unpacked[:, first - 8 * start : last - 8 * start].astype(np.bool_)


@dataclass
class HistogramAccumulator:
    """Counts patterns: create, add tables, merge, extract.

    Additions wait in a buffer that is folded into the total when it outgrows it, so that adding
    many small parts costs O(log) passes over the total. With more than `most` patterns it
    overflows: it lets them go and only counts samples, in whatever order they were added.
    """

    attributes: tuple[str, ...]
    labels: tuple[str, ...]
    most: int | None = None
    samples: int = field(default=0, init=False)
    _parts: list[pa.Table] = field(default_factory=list)
    _waiting: int = 0
    _overflowed: bool = False

    @property
    def overflowed(self) -> bool:
        """Whether there were more patterns than it may hold."""
        self.fold()
        return self._overflowed

    @property
    def width(self) -> int:
        """The bytes of one pattern."""
        return (len(self.attributes) + len(self.labels) + 7) // 8 + _BIN_BYTES

    def add(self, table: pa.Table, columns: Iterable[str]) -> Self:
        """Count the rows of a label table; `columns` are its flags in pattern order."""
        names = list(columns)
        for batch in table.to_batches():
            self.add_packed(packed_flags(batch, names), batch.column("utility").to_numpy())
        return self

    def add_packed(self, flags: NDArray[np.uint8], utility: NDArray[np.float64]) -> Self:
        """Count samples given as bit-packed flags (n, ceil((m + c) / 8)) and utilities (n,)."""
        self._count(flags, utility, np.ones(len(utility), np.int64))
        return self

    def add_rows(
        self,
        flags: NDArray[np.bool_],
        utility: NDArray[np.float64],
        counts: NDArray[np.int64] | None = None,
    ) -> Self:
        """Count samples given as flags (n, m + c) and utilities (n,), each `counts` times."""
        times = np.ones(len(utility), np.int64) if counts is None else counts
        self._count(np.packbits(flags, axis=1), utility, times)
        return self

    def add_histogram(self, histogram: Histogram) -> Self:
        """Count the samples of a histogram of the same attributes and labels."""
        _check_sum(float(histogram.utility_sums.sum(dtype=np.float64)) * UTILITY_UNIT)
        self.samples += histogram.samples
        self._append(_table(histogram.patterns, histogram.counts, histogram.utility_sums))
        return self

    def merge(self, other: HistogramAccumulator) -> Self:
        """Add everything that `other` counted."""
        if (self.attributes, self.labels) != (other.attributes, other.labels):
            raise FairshardError("histograms of different attributes or labels cannot be merged")
        self.samples += other.samples
        self._overflowed |= other._overflowed
        for part in other._parts:
            self._append(part)
        return self

    def fold(self) -> Self:
        """Hold each pattern once: the least that can be sent or kept."""
        if len(self._parts) > 1:
            self._parts = [_counted(pa.concat_tables(self._parts))]
        held = self._parts[0].num_rows if self._parts else 0
        self._overflowed |= self.most is not None and held > self.most
        if self._overflowed:
            self._parts = []
        self._waiting = 0
        return self

    def extract(self) -> Histogram:
        """The histogram, in the one canonical order; FairshardError where it overflowed."""
        if self.overflowed:
            raise FairshardError(
                f"the corpus has more than balance.max_patterns = {self.most:,} patterns, too many "
                "to be counted here"
            )
        total = self._parts[0] if self._parts else self._nothing()
        ordered = total.take(pc.sort_indices(total, sort_keys=[("pattern", "ascending")]))
        return Histogram(
            self.attributes,
            self.labels,
            unpacked(ordered.column("pattern")),
            ordered.column("count").to_numpy(),
            ordered.column("utility").to_numpy(),
        )

    def _count(
        self,
        flags: NDArray[np.uint8],
        utility: NDArray[np.float64],
        times: NDArray[np.int64],
    ) -> None:
        _check_sum(float(utility @ times))
        sums = np.round(utility / UTILITY_UNIT).astype(np.int64) * times
        self.samples += int(times.sum())
        self._append(_counted(_table(with_bins(flags, utility), times, sums)))

    def _append(self, part: pa.Table) -> None:
        if part.num_rows == 0 or self._overflowed:
            return
        self._waiting += part.num_rows if self._parts else 0
        self._parts.append(part)
        if self._waiting > max(self._parts[0].num_rows, _ROWS_AT_ONCE):
            self.fold()

    def _nothing(self) -> pa.Table:
        none = np.empty(0, np.int64)
        return _table(np.empty((0, self.width), np.uint8), none, none)


def _table(
    patterns: NDArray[np.uint8], counts: NDArray[np.int64], utility_sums: NDArray[np.int64]
) -> pa.Table:
    return pa.table({"pattern": packed(patterns), "count": counts, "utility": utility_sums})


def _counted(table: pa.Table) -> pa.Table:
    """Each pattern once, in one chunk (Arrow pickles all that a chunk was cut from)."""
    units = pc.sum(table.column("utility").cast(pa.float64(), safe=False)).as_py() or 0.0
    _check_sum(units * UTILITY_UNIT)
    grouped = table.group_by("pattern", use_threads=False).aggregate(
        [("count", "sum"), ("utility", "sum")]
    )
    columns = grouped.select(["pattern", "count_sum", "utility_sum"])
    return columns.rename_columns(["pattern", "count", "utility"]).combine_chunks()


def _check_sum(utility: float) -> None:
    """Raise FairshardError where utilities of this sum cannot be added exactly."""
    if utility >= LARGEST_UTILITY:
        raise FairshardError(
            f"the utilities of the samples add up to more than {LARGEST_UTILITY:.1e}, "
            "too much to be added exactly: lower utility.scale"
        )


def distinct_rows(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The G distinct rows of `values`, (n, m), by first appearance; and each row's place, (n,)."""
    width = values.shape[1] * values.itemsize
    rows = packed(np.ascontiguousarray(values).view(np.uint8).reshape(len(values), width))
    found = rows.dictionary_encode()
    group = found.indices.to_numpy().astype(np.int64)
    first = np.empty(len(found.dictionary), np.int64)
    first[group[::-1]] = np.arange(len(values))[::-1]
    return values[first], group
