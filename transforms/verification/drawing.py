"""Whether what was drawn of each input shard follows from the weights, and nothing is lost."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import xxhash
from numpy.typing import NDArray

from transforms.base.counts import counted
from transforms.storage import paths
from transforms.verification.bias import BiasTally, Variance
from transforms.verification.carriers import GroupTally
from transforms.verification.checks import Check
from transforms.verification.evidence import (
    Evidence,
    ManifestEvidence,
)
from transforms.verification.flips import Rows, read_flips
from transforms.verification.formulas import LabelledRows, weights
from transforms.verification.given import Given
from transforms.verification.labels import BIN_BYTES, Labelled, read_table
from transforms.verification.origins import OriginRange
from transforms.verification.solution import named
from transforms.verification.stated import Stated, Vector

_UNITS = 1 << 32
_NEAR = 1e-6
_NO_ROWS: Rows = np.empty(0, np.int64)


@dataclass(frozen=True)
class DrawingChecks:
    """The copies of one input shard after another; what they and their weights add up to.

    flips: the rows that are flipped, by input shard; moved: what they add to the copies. labelled:
    what copies add up to by recognised attributes, where these are not taken for true. copied: the
    copies by the flags of their patterns, of a generation of an output that has grown.
    """

    evidence: Evidence
    stated: Stated
    flips: Mapping[str, Rows]
    draw: Check
    conservation: Check
    after: BiasTally
    moved: BiasTally
    labelled: BiasTally
    expected: BiasTally
    variance: Variance
    groups: GroupTally
    given: dict[str, Given]
    copied: Counter[bytes]

    @classmethod
    def empty(
        cls, evidence: Evidence, stated: Stated, predicted: BiasTally, draw: Check, sums: Check
    ) -> Self:
        """No shards, yet; the flips are read."""
        return cls(
            evidence,
            stated,
            read_flips(evidence, draw),
            draw,
            sums,
            BiasTally.empty(stated),
            BiasTally.empty(stated),
            BiasTally.empty(stated.as_labelled),
            BiasTally.empty(stated),
            Variance.empty(predicted),
            GroupTally.empty(stated),
            {},
            Counter(),
        )

    def settle(self, origin: OriginRange) -> None:
        """Check the copies that were found of one input shard."""
        q, patterns, start = [], [], 0
        for part, weight in self._weighed(origin):
            q.append(weight)
            patterns.append(part.patterns)
            self._add(part, weight, origin, start, origin.copies)
            start += len(weight)
        if q:
            self._check_copies(origin, np.concatenate(q), np.vstack(patterns))
        self._count(origin, origin.copies)
        self._check_conserved(origin)

    def derive(self, origin: OriginRange) -> None:
        """Draw the copies of one input of which nothing is written."""
        weighed = [(weight, part.patterns) for part, weight in self._weighed(origin)]
        if not weighed:
            self._count(origin, origin.copies)
            return
        q = np.concatenate([weight for weight, _ in weighed])
        drawn, _ = systematic(origin, q, np.vstack([of for _, of in weighed]), self._seed)
        low, high = _whole(q)
        drawn = np.where(self._flipped(origin, q), low + high - drawn, drawn)
        self.draw.checked += len(q)
        self._count(origin, drawn)
        start = 0
        for part, weight in self._weighed(origin):
            self._add(part, weight, origin, start, drawn)
            start += len(weight)

    @property
    def _seed(self) -> int:
        return self.evidence.plan.config.seed

    def _weighed(self, origin: OriginRange) -> Iterator[tuple[Labelled, Vector]]:
        """The rows of an input shard, some at a time, and their weights."""
        table = read_table(self.evidence.storage, paths.labels(origin.name))
        for part in table.labelled(self.stated, self.evidence.plan.config.filter):
            yield part, np.where(part.balanced, weights(part.rows)[0], 0.0)

    def _add(self, part: Labelled, q: Vector, origin: OriginRange, start: int, drawn: Rows) -> None:
        """Add rows of an input shard, from row `start` on, of which so many copies are drawn."""
        copies = drawn[start : start + len(q)]
        flipped = self.flips.get(origin.name, _NO_ROWS) - start
        flipped = flipped[(flipped >= 0) & (flipped < len(q))]
        low, high = _whole(q[flipped])
        self.moved.add(part.rows.take(flipped), (2 * copies[flipped] - low - high).astype(float))
        times = copies.astype(np.float64)
        self.after.add(part.rows, times)
        if self.stated.odds:
            as_labelled = LabelledRows.of(self.stated.as_labelled, part.flags, part.rows.u)
            self.labelled.add(as_labelled, times)
        self.groups.add(part, copies)
        if self.evidence.whole is not None:
            self._count_flags(part.patterns[:, :-BIN_BYTES], copies)
        self.expected.add(part.rows, q)
        self.variance.add(part.rows, q)

    def _count_flags(self, flags: NDArray[np.uint8], copies: Rows) -> None:
        runs, run_of = np.unique(flags, axis=0, return_inverse=True)
        found = np.bincount(run_of.reshape(-1), copies, len(runs)).astype(np.int64)
        self.copied.update(dict(zip(map(bytes, runs), found.tolist(), strict=True)))

    def _count(self, origin: OriginRange, copies: Rows) -> None:
        draw = self.evidence.plan.draw
        by = draw.shards.by if draw and draw.shards else "samples"
        self.given[origin.name] = Given.of(origin, copies, by)

    def _check_copies(self, origin: OriginRange, q: Vector, patterns: NDArray[np.uint8]) -> None:
        check, copies = self.draw, origin.copies
        low, high = _whole(q)
        check.checked += len(q)
        for row in np.flatnonzero((copies < low) | (copies > high)):
            check.differ(
                f"{origin.keys[row]!r} of {origin.name} came {counted(copies[row], 'time')}, "
                f"its weight is {q[row]:.6f}"
            )
        flipped = self._flipped(origin, q)
        base = np.where(flipped, low + high - copies, copies)
        runs, run_of = np.unique(patterns, axis=0, return_inverse=True)
        wanted = np.bincount(run_of.reshape(-1), q)
        found = np.bincount(run_of.reshape(-1), base)
        allowed = 1 + len(q) / _UNITS
        but = " but for flips" if flipped.any() else ""
        for run in np.flatnonzero(np.abs(found - wanted) > allowed):
            check.differ(
                f"the pattern ({named(runs[run], self.stated)}) came "
                f"{counted(round(found[run]), 'time')} from {origin.name}{but}, "
                f"its weights add up to {wanted[run]:.3f}"
            )
        if abs(base.sum() - q.sum()) > allowed:
            check.differ(
                f"{counted(base.sum(), 'copy', 'copies')} came from {origin.name}{but}, "
                f"its weights add up to {q.sum():,.3f}"
            )
        drawn, sharp = systematic(origin, q, patterns, self._seed)
        for row in np.flatnonzero((base != drawn) & sharp):
            by, times = "systematic sampling", drawn[row]
            if flipped[row]:
                by, times = f"{by}, flipped,", low[row] + high[row] - times
            check.differ(
                f"{origin.keys[row]!r} of {origin.name} came "
                f"{counted(copies[row], 'time')}, {by} draws it {counted(times, 'time')}"
            )

    def _flipped(self, origin: OriginRange, q: Vector) -> NDArray[np.bool_]:
        """Whether each sample is flipped, which those of whole weights cannot be."""
        flipped, (low, high) = np.zeros(len(q), np.bool_), _whole(q)
        rows = self.flips.get(origin.name, _NO_ROWS)
        flipped[rows[rows < len(q)]] = True
        for row in np.flatnonzero(flipped & (low == high)):
            self.draw.differ(
                f"{paths.FLIPS} flips {origin.keys[row]!r} of {origin.name}, whose weight "
                f"{q[row]:.6f} is a whole number"
            )
        return flipped

    def _check_conserved(self, origin: OriginRange) -> None:
        (entry,) = [e for e in self.evidence.manifest.inputs if e.shard == origin.name]
        kept = int(np.count_nonzero(origin.copies))
        found = {
            "in": len(origin.copies) + origin.record.rejects,
            "kept": kept,
            "dropped": len(origin.copies) - kept,
            "rejected": origin.record.rejects,
            "repeats": int(origin.copies.sum()) - kept,
        }
        said = entry.model_dump(by_alias=True, exclude={"shard"})
        self.conservation.expect(
            found == said,
            f"of {origin.name} manifest.json says {said}; labels, rejects and output have {found}",
        )


def systematic(
    origin: OriginRange, q: Vector, patterns: NDArray[np.uint8], seed: int
) -> tuple[Rows, NDArray[np.bool_]]:
    """The copies of each sample, drawn again one after another by the definition in docs/method.md.

    And where they are sharp: where the sum of q is next to a whole number, rounding may decide, and
    both draws are right.
    """
    hashes = [xxhash.xxh3_64_intdigest(key.encode(), seed=seed) for key in origin.keys]
    tie = list(zip(map(bytes, patterns), hashes, range(len(q)), strict=True))
    below = xxhash.xxh3_64_intdigest(origin.record.shard.stem.encode(), seed=seed) >> 32
    copies, sharp = np.zeros(len(q), np.int64), np.zeros(len(q), np.bool_)
    for _, _, row in sorted(tie):
        above = below + round(float(q[row]) * _UNITS)
        copies[row] = above // _UNITS - below // _UNITS
        sharp[row] = min(abs(end / _UNITS - round(end / _UNITS)) for end in (below, above)) > _NEAR
        below = above
    return copies, sharp


def _whole(q: Vector) -> tuple[Rows, Rows]:
    """The whole numbers around each weight, to 2^-32."""
    units = np.rint(q * _UNITS)
    low, high = np.floor(units / _UNITS), np.ceil(units / _UNITS)
    return low.astype(np.int64), high.astype(np.int64)


def check_totals(manifest: ManifestEvidence, check: Check) -> None:
    """in = kept + dropped + rejected, and all that adds up, within the manifest."""
    copies: Counter[str] = Counter()
    firsts: Counter[str] = Counter()
    for shard in manifest.shards:
        for origin in shard.origins:
            copies[origin.shard] += origin.samples
            firsts[origin.shard] += origin.kept
        check.expect(
            sum(origin.samples for origin in shard.origins) == shard.samples,
            f"the origins of {shard.name} do not add up to its {counted(shard.samples, 'sample')}",
        )
    for entry in manifest.inputs:
        check.expect(
            entry.total == entry.kept + entry.dropped + entry.rejected,
            f"{entry.shard}: in = {entry.total:,} is not kept + dropped + rejected = "
            f"{entry.kept:,} + {entry.dropped:,} + {entry.rejected:,}",
        )
        taken = (firsts[entry.shard], copies[entry.shard] - firsts[entry.shard])
        check.expect(
            taken == (entry.kept, entry.repeats),
            f"{entry.shard}: kept and repeats are {entry.kept:,} and {entry.repeats:,}, the output "
            f"shards took {taken[0]:,} and {taken[1]:,} of it",
        )
    rows = [entry.model_dump(by_alias=True) for entry in manifest.inputs]
    found = {
        name: sum(row[name] for row in rows)
        for name in ("in", "kept", "dropped", "rejected", "repeats")
    }
    found["written"] = found["kept"] + found["repeats"]
    found["bytes"] = sum(shard.bytes for shard in manifest.shards)
    for name, total in found.items():
        said = manifest.totals.get(name)
        check.expect(
            said == total, f"totals.{name} is {said} in manifest.json, and adds up to {total:,}"
        )
