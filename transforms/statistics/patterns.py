"""Patterns, the distinct values of (s, y, utility bin), as bits packed into bytes."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

UTILITY_UNIT = 2.0**-20
LARGEST_UTILITY = 2.0**62 * UTILITY_UNIT
BINS_PER_OCTAVE = 16
_TRANSPOSITION = tuple(
    (np.uint64(shift), np.uint64(mask))
    for shift, mask in (
        (7, 0x00AA00AA00AA00AA),
        (14, 0x0000CCCC0000CCCC),
        (28, 0x00000000F0F0F0F0),
    )
)
_BIN_BYTES = 2
_BIN_OF_ONE = 1 << 14
_BIN_OF_TINIEST = np.uint64(_BIN_OF_ONE - 1022 * BINS_PER_OCTAVE)
_BELOW_BIN = np.uint64(48)


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


def pack_patterns(flags: NDArray[np.bool_], utility: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Patterns, shape (n, width), of flags (n, m + c) and utilities (n,)."""
    return with_bins(np.packbits(flags, axis=1), utility)


def with_bins(flags: NDArray[np.uint8], utility: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Patterns, shape (n, width), of bit-packed flags (n, ceil(flags / 8)) and utilities (n,)."""
    bins = utility_bins(utility).astype(">u2").view(np.uint8).reshape(-1, _BIN_BYTES)
    return np.hstack([flags, bins])


def flags_of(table: pa.Table, columns: Iterable[str]) -> NDArray[np.bool_]:
    """The boolean `columns` of `table` as one array, shape (n, columns)."""
    names = list(columns)
    flags = np.empty((table.num_rows, len(names)), dtype=np.bool_)
    for position, name in enumerate(names):
        flags[:, position] = table.column(name).to_numpy()
    return flags


def unpacked_flags(rows: NDArray[np.uint8], count: int) -> NDArray[np.bool_]:
    """The `count` flags of bit-packed rows, (n, width or more), bool (n, count)."""
    return np.unpackbits(rows, axis=1, count=count).astype(np.bool_)


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


def _bits(column: pa.BooleanArray) -> NDArray[np.uint8]:
    """A column of flags, eight a byte, the first in the lowest bit, uint8 (ceil(n / 8),)."""
    if column.offset % 8:
        column = pa.concat_arrays([column])
    content = np.frombuffer(column.buffers()[1], np.uint8)
    return content[column.offset // 8 :][: (len(column) + 7) // 8]
