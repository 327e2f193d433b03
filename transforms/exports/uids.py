"""DataComp's names of samples: 32 hexadecimal digits each, as two numbers of 64 bits, sorted."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

UID = np.dtype([("high", "<u8"), ("low", "<u8"), ("kept", "?")])
"""A uid, and whether the samples that have it are kept, or dropped: 17 bytes."""

Uids = NDArray[np.void]
Read = Callable[[int, int], Uids]
"""Gives the uids of a sorted part from one place up to another, as far as there are any."""

_DIGITS = 32
_NONE = 255
_VALUES = np.full(256, _NONE, np.uint8)
_VALUES[list(b"0123456789abcdef")] = range(16)
_VALUES[list(b"ABCDEF")] = range(10, 16)


def parsed(texts: pa.ChunkedArray) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """The uids, uint64 (n, 2), in texts (n,), and which of these are one: bool (n,)."""
    wanted = pc.fill_null(pc.equal(pc.binary_length(texts), _DIGITS), False)
    well_formed = wanted.to_numpy()
    chosen = texts.filter(wanted).cast(pa.binary()).to_pylist()
    content = np.frombuffer(b"".join(chosen), np.uint8)
    values = _VALUES[content].reshape(-1, _DIGITS)
    digits = (values != _NONE).all(axis=1)
    well_formed[np.flatnonzero(well_formed)] = digits
    uids = np.zeros((len(well_formed), 2), np.uint64)
    pairs = values[digits].reshape(-1, _DIGITS // 2, 2)
    uids[well_formed] = (pairs[:, :, 0] << 4 | pairs[:, :, 1]).view(">u8")
    return uids, well_formed


def in_order(uids: Uids) -> Uids:
    """The uids, sorted."""
    taken: Uids = uids[np.lexsort((uids["low"], uids["high"]))]
    return taken


def without_doubles(uids: Uids) -> tuple[Uids, Uids]:
    """Sorted uids, each once, and those of samples of which some are kept and others dropped."""
    if not len(uids):
        return uids, uids
    first = np.ones(len(uids), np.bool_)
    first[1:] = (uids["high"][1:] != uids["high"][:-1]) | (uids["low"][1:] != uids["low"][:-1])
    starts = np.flatnonzero(first)
    some = np.logical_or.reduceat(uids["kept"], starts)
    every = np.logical_and.reduceat(uids["kept"], starts)
    return uids[starts], uids[starts[some & ~every]]


def merged(parts: Sequence[Read], at_once: int) -> Iterator[Uids]:
    """The uids of sorted parts, each of which has a uid once, in one order.

    All that have the same are given together. Takes the memory of `at_once` uids, or of one a part.
    """
    size = max(1, at_once // max(1, len(parts)))
    heads = [read(0, size) for read in parts]
    places = [len(head) for head in heads]
    while any(map(len, heads)):
        last = min((head[-1]["high"], head[-1]["low"]) for head in heads if len(head))
        ends = [_end(head, *last) for head in heads]
        yield in_order(np.concatenate([head[:end] for head, end in zip(heads, ends, strict=True)]))
        for number, end in enumerate(ends):
            heads[number] = heads[number][end:]
            if not len(heads[number]):
                heads[number] = parts[number](places[number], places[number] + size)
                places[number] += len(heads[number])


def _end(head: Uids, high: np.uint64, low: np.uint64) -> int:
    """How many of sorted uids are not after the one given."""
    first = np.searchsorted(head["high"], high, "left")
    last = np.searchsorted(head["high"], high, "right")
    return int(first + np.searchsorted(head["low"][first:last], low, "right"))
