"""The pairs (distinct s, label) that occur in a corpus, through which patterns meet prices."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.m4.kernels import BLOCKS, WORTH_THREADS, pair_sums, pattern_sums

Vector = NDArray[np.float64]
Cuts = NDArray[np.int64]
_MOST_ROOM = 4


@dataclass(frozen=True)
class Pairs:
    """J pairs, in order of group, then label; label c is the intercept, which every group has.

    group and label are int64 (J,). Pattern p has the pairs places[starts[p] : starts[p + 1]];
    cuts, low and room are how sums over patterns are taken in blocks (`kernels.pair_sums`).
    """

    group: Cuts
    label: Cuts
    starts: NDArray[np.uint64]
    places: NDArray[np.uint32]
    cuts: Cuts
    low: Cuts
    room: Cuts

    @classmethod
    def of(cls, group: NDArray[np.int64], y: sp.csr_array) -> Self:
        """The pairs of P patterns with their groups, int64 (P,), and 0/1 labels (P, c)."""
        columns = y.shape[1] + 1
        keys = np.insert(
            np.repeat(group, np.diff(y.indptr)) * columns + y.indices,
            y.indptr[1:],
            group * columns + columns - 1,
        )
        found = pa.array(keys).dictionary_encode()
        pairs = found.dictionary.to_numpy()
        order = np.argsort(pairs)
        rank = np.empty(len(order), np.uint32)
        rank[order] = np.arange(len(order), dtype=np.uint32)
        places = rank[found.indices.to_numpy()]
        starts = y.indptr.astype(np.uint64) + np.arange(len(y.indptr), dtype=np.uint64)
        of_group, of_label = np.divmod(pairs[order], columns)
        return cls(of_group, of_label, starts, places, *_blocks(starts, places, len(pairs)))

    def among(self, patterns: Cuts) -> Self:
        """The pairs that these patterns, int64 (n,), have; the n patterns are then 0 to n - 1."""
        before = self.starts.astype(np.int64)
        lengths = np.diff(before)[patterns]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        kept = self.places[
            np.repeat(before[patterns] - starts[:-1], lengths) + np.arange(starts[-1])
        ]
        used = np.zeros(len(self.group), np.bool_)
        used[kept] = True
        places = (np.cumsum(used, dtype=np.uint32) - np.uint32(1))[kept]
        group, label = self.group[used], self.label[used]
        first = starts.astype(np.uint64)
        return type(self)(group, label, first, places, *_blocks(first, places, len(group)))

    def over_patterns(self, scores: Vector) -> Vector:
        """Of each pattern the sum of its pairs' `scores`, float64 (J,): (P,)."""
        return np.asarray(pattern_sums(self.places, scores, self.starts))

    def over_pairs(self, masses: Vector) -> Vector:
        """Of each pair the sum of the `masses`, float64 (P,), of the patterns with it: (J,)."""
        return np.asarray(
            pair_sums(
                len(self.group), self.cuts, self.low, self.room, self.places, self.starts, masses
            )
        )


def _blocks(
    starts: NDArray[np.uint64], places: NDArray[np.uint32], pairs: int
) -> tuple[Cuts, Cuts, Cuts]:
    """The blocks to sum over pairs in: as many as do not need many times the room of the pairs."""
    blocks = BLOCKS if len(starts) > WORTH_THREADS else 1
    while True:
        cuts, low, room = _cut(starts, places, blocks)
        if blocks == 1 or room[-1] <= _MOST_ROOM * pairs:
            return cuts, low, room
        blocks //= 4


def _cut(
    starts: NDArray[np.uint64], places: NDArray[np.uint32], blocks: int
) -> tuple[Cuts, Cuts, Cuts]:
    cuts = np.linspace(0, len(starts) - 1, blocks + 1).astype(np.int64)
    low, room = np.zeros(blocks, np.int64), np.zeros(blocks + 1, np.int64)
    for block in range(blocks):
        inside = places[starts[cuts[block]] : starts[cuts[block + 1]]]
        span = 0
        if len(inside):
            low[block], span = inside.min(), int(inside.max()) - int(inside.min()) + 1
        room[block + 1] = room[block] + span
    return cuts, low, room
