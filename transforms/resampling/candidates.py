"""Samples whose copies may be changed by one: what a draw hands to the process that solves.

A sample of fractional weight has floor(q) copies and can have one more, or ceil(q) and can have one
fewer. Of a corpus at most some 10^5 are handed on, those of smallest hash / w, where w grows with
how rare the sample's attributes and labels are, so that there are some of each (bottom-k sampling:
Cohen and Kaplan, "Summarizing Data using Bottom-k Sketches", PODC 2007). w is a power of two: the
priority is a shifted integer, and no order of merging and no machine chooses others.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from transforms.plan.plan import Plan
from transforms.resampling.drawing import WeighedShard
from transforms.resampling.sampling import is_fractional
from transforms.shards.naming import stem_of
from transforms.statistics.histogram import Histogram
from transforms.statistics.moments import Moments
from transforms.statistics.patterns import packed, unpacked, unpacked_flags
from transforms.statistics.subsampling import row_hashes

_MOST = 100_000
_MOST_BYTES = 1 << 25
_MOST_PARTS = 1_000
_SPARE = 2
_RAREST = 24
_ROWS_AT_ONCE = 1 << 16
_HASH_BITS = 64
_BIN_BYTES = 2
_ORDER = [("priority", "ascending"), ("shard", "ascending"), ("row", "ascending")]

Levels = NDArray[np.uint64] | np.uint64


@dataclass(frozen=True)
class Eligibility:
    """Which samples of fractional weight are candidates.

    rarity: how rare each flag is, uint8 (m + c,): one in 2^rarity samples has it. halvings: of a
    sample as common as can be, one of 2^halvings is a candidate.
    """

    rarity: NDArray[np.uint8]
    attributes: int
    halvings: int

    @classmethod
    def of(cls, wanted: Moments, corpus: Histogram, q: NDArray[np.float64], times: float) -> Self:
        """Of a corpus that is drawn with these expected moments.

        corpus: its patterns, of weights q, (P,), or those of one of `times` samples.
        """
        total = max(wanted.total, 1.0)
        shares = np.concatenate([wanted.s[:, -1], wanted.y[:-1]]) / total
        _, exponents = np.frexp(np.where(shares > 0, shares, 1.0))
        rarity = np.clip(-exponents, 0, _RAREST).astype(np.uint8)
        choice, most = cls(rarity, len(wanted.s), 0), _SPARE * most_of(len(rarity))
        if corpus.samples * times <= most:
            return choice
        numbers, steps = np.zeros(2 * _RAREST + 1), np.arange(2 * _RAREST + 1)
        there = np.flatnonzero(is_fractional(q))
        for rows in np.array_split(there, 1 + len(there) // _ROWS_AT_ONCE):
            levels = choice.levels(unpacked_flags(corpus.patterns[rows], len(rarity)))
            numbers += np.bincount(levels, corpus.counts[rows] * times, len(numbers))
        halvings = 0
        while numbers @ np.exp2(np.minimum(steps - halvings, 0)) > most:
            halvings += 1
        return replace(choice, halvings=halvings)

    def levels(self, flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
        """log2 w of samples with these flags, (n, m + c): by the rarest attribute and label."""
        each, m = flags * self.rarity, self.attributes
        rarest = each[:, :m].max(axis=1, initial=0) + each[:, m:].max(axis=1, initial=0)
        return np.asarray(rarest, np.uint64)

    @property
    def highest(self) -> np.uint64:
        """No log2 w is above it."""
        return np.uint64(2 * int(self.rarity.max(initial=0)))

    def near(self, hashes: NDArray[np.uint64], levels: Levels) -> NDArray[np.bool_]:
        """Which samples of these hashes and log2 w, (n,), are of small enough priority."""
        if self.halvings == 0:
            return np.ones(len(hashes), np.bool_)
        return np.asarray((hashes >> levels) >> np.uint64(_HASH_BITS - self.halvings) == 0)


@dataclass
class Candidates:
    """Candidates, as tables: priority, shard, row, flags (packed), copies, sign. Merged alike.

    sign: 1 where a copy more can be taken, -1 where one can be left out of these copies.
    """

    flags: int
    parts: list[pa.Table] = field(default_factory=list)

    @classmethod
    def of(cls, shard: WeighedShard, name: str, seed: int, choice: Eligibility) -> Self:
        """Those of one shard, as systematic sampling has drawn it."""
        q = shard.table.column("q").to_numpy()
        seeded = xxhash.xxh3_64_intdigest(f"candidates {stem_of(name)}".encode(), seed=seed)
        hashes = row_hashes(seeded, 0, len(q))
        row = np.flatnonzero(is_fractional(q) & choice.near(hashes, choice.highest))
        levels = choice.levels(shard.flags[row])
        chosen = choice.near(hashes[row], levels)
        row, levels = row[chosen], levels[chosen]
        priority = hashes[row] >> levels
        copies = shard.copies[row]
        table = pa.table(
            {
                "priority": priority,
                "shard": pa.array([name] * len(row), pa.string()),
                "row": row,
                "flags": packed(np.packbits(shard.flags[row], axis=1)),
                "copies": copies,
                "sign": np.where(copies > q[row], -1, 1).astype(np.int8),
            }
        )
        return cls(shard.flags.shape[1], [table] if len(row) else [])

    def merge(self, other: "Candidates") -> Self:
        """Those of both, or of these the ones of smallest priority."""
        self.parts += other.parts
        rows = sum(part.num_rows for part in self.parts)
        if rows > _SPARE * most_of(self.flags) or len(self.parts) > _MOST_PARTS:
            self.parts = [self.extract()]
        return self

    def extract(self) -> pa.Table:
        """At most as many as are handed on, in order of priority, then of shard and row."""
        if not self.parts:
            return _nothing(self.flags)
        table = pa.concat_tables(self.parts)
        order = pc.sort_indices(table, sort_keys=_ORDER)[: most_of(self.flags)]
        return table.take(order).combine_chunks()


def most_of(flags: int) -> int:
    """How many candidates of so many flags are handed on at most."""
    return min(_MOST, _MOST_BYTES // max((flags + 7) // 8, 1))


def as_patterns(table: pa.Table, counts: NDArray[np.int64], plan: Plan) -> Histogram:
    """Candidates as patterns, a row each, counted so often, (n,); as labelled."""
    flags = unpacked(table.column("flags"))
    patterns = np.hstack([flags, np.zeros((len(flags), _BIN_BYTES), np.uint8)])
    names = tuple(attribute.name for attribute in plan.terms.attributes)
    return Histogram(names, plan.terms.labels, patterns, counts, np.zeros_like(counts))


def _nothing(flags: int) -> pa.Table:
    width = (flags + 7) // 8
    columns = [("priority", pa.uint64()), ("shard", pa.string()), ("row", pa.int64())]
    columns += [("flags", pa.binary(width)), ("copies", pa.int64()), ("sign", pa.int8())]
    return pa.schema(columns).empty_table()
