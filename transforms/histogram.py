"""The joint histogram of patterns: the exact sufficient statistic of the M4 problem.

A pattern is one distinct value of (s, y, utility bin), packed into bytes so that any number of
attributes and labels fits: the bits of s, then of y (most significant first), then two bytes of
utility bin. Counts are integers, so merging is associative, commutative and exact.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.errors import FairshardError

UTILITY_UNIT = 2.0**-20
BINS_PER_OCTAVE = 16
_BIN_BYTES = 2
_BIN_OF_ONE = 1 << 14
_BIN_OF_TINIEST = np.uint64(_BIN_OF_ONE - 1022 * BINS_PER_OCTAVE)
_BELOW_BIN = np.uint64(48)
_ROWS_AT_ONCE = 1 << 16
_TRANSPOSITION = tuple(
    (np.uint64(shift), np.uint64(mask))
    for shift, mask in (
        (7, 0x00AA00AA00AA00AA),
        (14, 0x0000CCCC0000CCCC),
        (28, 0x00000000F0F0F0F0),
    )
)


def utility_bins(utility: NDArray[np.float64]) -> NDArray[np.uint16]:
    """The bin of each utility, shape (n,): 0 for 0, else 16 equal bins an octave.

    Read off the number's own bits (exponent, then the first 4 of the fraction), so that every
    machine bins alike. A bin's width is at most u / 16 (for u of 2^-1022 or more).
    """
    steps = np.asarray(utility, np.float64).view(np.uint64) >> _BELOW_BIN
    return np.where(utility > 0, steps + _BIN_OF_TINIEST, 0).astype(np.uint16)


def utility_widths(bins: NDArray[np.uint16]) -> NDArray[np.float64]:
    """The width of each utility bin, shape (n,): 0 for the bin of 0."""
    octave = (bins.astype(np.int64) - _BIN_OF_ONE) // BINS_PER_OCTAVE
    return np.where(bins > 0, np.ldexp(0.5 / BINS_PER_OCTAVE, octave), 0.0)


def pattern_bytes(flags: int) -> int:
    """The bytes of a pattern of so many flags."""
    return (flags + 7) // 8 + _BIN_BYTES


def pack_patterns(flags: NDArray[np.bool_], utility: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Patterns, shape (n, width), of flags (n, m + c) and utilities (n,)."""
    return _with_bins(np.packbits(flags, axis=1), utility)


def flags_of(table: pa.Table, columns: Iterable[str]) -> NDArray[np.bool_]:
    """The boolean `columns` of `table` as one array, shape (n, columns)."""
    names = list(columns)
    flags = np.empty((table.num_rows, len(names)), dtype=np.bool_)
    for position, name in enumerate(names):
        flags[:, position] = table.column(name).to_numpy()
    return flags


def packed_flags(batch: pa.RecordBatch, columns: Sequence[str]) -> NDArray[np.uint8]:
    """The boolean `columns` of `batch`, bit-packed by row, shape (n, ceil(columns / 8)).

    Equal to np.packbits(flags, axis=1), but from Arrow's bits, packed by column: eight rows of
    eight columns are a uint64, an 8 x 8 matrix of bits, and are transposed as one (Warren,
    Hacker's Delight, 7-3).
    """
    rows = batch.num_rows
    packed_rows = np.empty((rows, (len(columns) + 7) // 8), np.uint8)
    for octet in range(packed_rows.shape[1]):
        square = np.zeros(((rows + 7) // 8, 8), np.uint8)
        for place, name in enumerate(columns[8 * octet : 8 * octet + 8]):
            square[:, 7 - place] = _bits(batch.column(name))
        bits = square.view("<u8")
        for shift, mask in _TRANSPOSITION:
            swapped = (bits ^ (bits >> shift)) & mask
            bits ^= swapped ^ (swapped << shift)
        packed_rows[:, octet] = square.reshape(-1)[:rows]
    return packed_rows


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
            flags = packed_flags(batch, names)
            utility = batch.column("utility").to_numpy()
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

    def merge(self, other: "HistogramAccumulator") -> Self:
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
        sums = np.round(utility / UTILITY_UNIT).astype(np.int64) * times
        self.samples += int(times.sum())
        self._append(_counted(_table(_with_bins(flags, utility), times, sums)))

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


def packed(patterns: NDArray[np.uint8]) -> pa.FixedSizeBinaryArray:
    """Patterns, shape (n, width), as one Arrow array of n fixed-size binaries."""
    rows, width = patterns.shape
    content = pa.py_buffer(np.ascontiguousarray(patterns))
    return pa.Array.from_buffers(pa.binary(width), rows, [None, content])


def unpacked(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """The patterns, shape (n, width), of a column of fixed-size binaries."""
    width = column.type.byte_width
    parts = [
        np.frombuffer(chunk.buffers()[1], np.uint8)[chunk.offset * width :][: len(chunk) * width]
        for chunk in column.chunks
    ]
    return np.concatenate([np.empty(0, np.uint8), *parts]).reshape(-1, width)


def _with_bins(flags: NDArray[np.uint8], utility: NDArray[np.float64]) -> NDArray[np.uint8]:
    bins = utility_bins(utility).astype(">u2").view(np.uint8).reshape(-1, _BIN_BYTES)
    return np.hstack([flags, bins])


def _bits(column: pa.BooleanArray) -> NDArray[np.uint8]:
    """A column of flags, eight a byte, the first in the lowest bit, uint8 (ceil(n / 8),)."""
    if column.offset % 8:
        column = pa.concat_arrays([column])
    content = np.frombuffer(column.buffers()[1], np.uint8)
    return content[column.offset // 8 :][: (len(column) + 7) // 8]


def _table(
    patterns: NDArray[np.uint8], counts: NDArray[np.int64], utility_sums: NDArray[np.int64]
) -> pa.Table:
    return pa.table({"pattern": packed(patterns), "count": counts, "utility": utility_sums})


def _counted(table: pa.Table) -> pa.Table:
    """Each pattern once, in one chunk (Arrow pickles all that a chunk was cut from)."""
    grouped = table.group_by("pattern", use_threads=False).aggregate(
        [("count", "sum"), ("utility", "sum")]
    )
    columns = grouped.select(["pattern", "count_sum", "utility_sum"])
    return columns.rename_columns(["pattern", "count", "utility"]).combine_chunks()
