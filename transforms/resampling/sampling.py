"""Which samples are kept, how often: a function of the seed, a shard's labels and the weights."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from transforms.statistics.patterns import packed

_ONE = 1 << 32


def systematic_copies(
    weights: NDArray[np.float64],
    patterns: NDArray[np.uint8],
    keys: pa.StringArray | pa.ChunkedArray,
    seed: int,
    stem: str,
) -> NDArray[np.int64]:
    """The copies of each sample of one shard, int64 (n,), by systematic sampling.

    weights is q, float64 (n,); patterns is uint8 (n, width). Samples stand in order of pattern,
    ties in order of hashed key; copies are the differences of the rounded cumulative sum of q,
    which begins at a hash of `stem`, the shard's, in [0, 1). So every sample gets floor(q) or
    ceil(q) copies, q in the mean over seeds, and every run of the order, the whole shard among
    them, gets its sum of q to within one. (Systematic sampling: W. G. Cochran, Sampling
    Techniques, 3rd ed., chapter 8.)

    The sum is done in integers of 2^-32, so that no machine rounds otherwise. Whole weights, which
    move no other sample across a whole number, stand in no order.
    """
    copies, parts = np.divmod(np.rint(weights * _ONE).astype(np.int64), _ONE)
    rows = np.flatnonzero(parts)
    order = rows[_order(patterns[rows], keys.take(pa.array(rows)), seed)]
    start = xxhash.xxh3_64_intdigest(stem.encode(), seed=seed) >> 32
    after = np.cumsum(parts[order]) + start
    copies[order] += after // _ONE - (after - parts[order]) // _ONE
    return copies


def flipped(
    copies: NDArray[np.int64], weights: NDArray[np.float64], rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """`copies`, (n,), with one more or one fewer in these rows: floor(q) becomes ceil(q), and ceil
    floor. Nothing changes where q is a whole number, to 2^-32.
    """
    units, changed = np.rint(weights[rows] * _ONE).astype(np.int64), copies.copy()
    changed[rows] = units // _ONE - (-units // _ONE) - copies[rows]
    return changed


def is_fractional(weights: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which weights are no whole numbers, to 2^-32, bool (n,)."""
    return np.asarray(np.rint(weights * _ONE).astype(np.int64) % _ONE != 0)


def _order(
    patterns: NDArray[np.uint8], keys: pa.StringArray | pa.ChunkedArray, seed: int
) -> NDArray[np.int64]:
    """Of rows, sorted by pattern, hashed key and place."""
    hashes = (
        xxhash.xxh3_64_intdigest(key, seed=seed) for key in keys.cast(pa.binary()).to_pylist()
    )
    coded = pc.dictionary_encode(packed(patterns))
    ranks = np.argsort(np.asarray(pc.sort_indices(coded.dictionary)))
    pattern = ranks[np.asarray(coded.indices)]
    return np.lexsort((np.fromiter(hashes, np.uint64, len(patterns)), pattern))
