"""Which rows of a corpus are in its sample: a function of the shard's stem and the row's number."""

import numpy as np
import xxhash
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIXED = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
_LAST = np.uint64(31)
_BITS = 64


def level_for(samples: int, most: int) -> int:
    """The least level L with samples / 2^L <= most: one row of 2^L is drawn."""
    return (-(-samples // most) - 1).bit_length()


def drawn(shard: str, first: int, rows: int, level: int) -> NDArray[np.bool_]:
    """Which of the rows first, first + 1, ... of a shard's label table are drawn, bool (rows,).

    Those whose hash begins with `level` zeros: the numbers of SplitMix64 (Steele, Lea and Flood,
    "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014), seeded by the shard's stem.
    """
    if level == 0:
        return np.ones(rows, np.bool_)
    seed = xxhash.xxh3_64_intdigest(shard.encode())
    return np.asarray(row_hashes(seed, first, rows) >> np.uint64(_BITS - level) == 0)


def row_hashes(seed: int, first: int, rows: int) -> NDArray[np.uint64]:
    """SplitMix64's numbers of the rows first, first + 1, ... of a stream, uint64 (rows,)."""
    mixed = np.uint64(seed) + _STEP * np.arange(first + 1, first + rows + 1, dtype=np.uint64)
    for shift, factor in _MIXED:
        mixed = (mixed ^ (mixed >> shift)) * factor
    return np.asarray(mixed ^ (mixed >> _LAST))
