"""Whether what was drawn of each input shard follows from the weights, and nothing is lost."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import xxhash
from numpy.typing import NDArray

from transforms.base.counts import counted
from transforms.storage import paths
from transforms.verification.bias import BiasTally, Variance
from transforms.verification.carriers import GroupTally
from transforms.verification.checks import Check
from transforms.verification.evidence import Evidence, ManifestEvidence
from transforms.verification.formulas import weights
from transforms.verification.labels import read_table
from transforms.verification.origins import OriginRange
from transforms.verification.solution import named
from transforms.verification.stated import Stated, Vector

_UNITS = 1 << 32
_NEAR = 1e-6


@dataclass(frozen=True)
class Drawing:
    """The copies of one input shard after another; what they and their weights add up to."""

    evidence: Evidence
    stated: Stated
    draw: Check
    conservation: Check
    after: BiasTally
    expected: BiasTally
    variance: Variance
    groups: GroupTally

    def settle(self, origin: OriginRange) -> None:
        """Check the copies that were found of one input shard."""
        table = read_table(self.evidence.storage, paths.labels(origin.name))
        conditions = self.evidence.plan.config.filter
        q, patterns, start = [], [], 0
        for part in table.labelled(self.stated, conditions):
            q.append(np.where(part.balanced, weights(part.rows)[0], 0.0))
            patterns.append(part.patterns)
            copies = origin.copies[start : start + len(q[-1])]
            start += len(copies)
            self.after.add(part.rows, copies.astype(np.float64))
            self.groups.add(part, copies)
            self.expected.add(part.rows, q[-1])
            self.variance.add(part.rows, q[-1])
        if q:
            self._check_copies(origin, np.concatenate(q), np.vstack(patterns))
        self._check_conserved(origin)

    def _check_copies(self, origin: OriginRange, q: Vector, patterns: NDArray[np.uint8]) -> None:
        check, copies = self.draw, origin.copies
        units = np.rint(q * _UNITS)
        low, high = np.floor(units / _UNITS), np.ceil(units / _UNITS)
        check.checked += len(q)
        for row in np.flatnonzero((copies < low) | (copies > high)):
            check.differ(
                f"{origin.keys[row]!r} of {origin.name} came {counted(copies[row], 'time')}, "
                f"its weight is {q[row]:.6f}"
            )
        runs, run_of = np.unique(patterns, axis=0, return_inverse=True)
        wanted = np.bincount(run_of.reshape(-1), q)
        found = np.bincount(run_of.reshape(-1), copies)
        allowed = 1 + len(q) / _UNITS
        for run in np.flatnonzero(np.abs(found - wanted) > allowed):
            check.differ(
                f"the pattern ({named(runs[run], self.stated)}) came "
                f"{counted(round(found[run]), 'time')} from {origin.name}, "
                f"its weights add up to {wanted[run]:.3f}"
            )
        if abs(copies.sum() - q.sum()) > allowed:
            check.differ(
                f"{counted(copies.sum(), 'copy', 'copies')} came from {origin.name}, "
                f"its weights add up to {q.sum():,.3f}"
            )
        self._check_systematic(origin, q, patterns)

    def _check_systematic(
        self, origin: OriginRange, q: Vector, patterns: NDArray[np.uint8]
    ) -> None:
        """Draw again, one sample after another, by the definition in docs/method.md.

        Where the sum of q is next to a whole number, rounding may decide: both draws are right.
        """
        seed = self.evidence.plan.config.seed
        hashes = [xxhash.xxh3_64_intdigest(key.encode(), seed=seed) for key in origin.keys]
        tie = list(zip(map(bytes, patterns), hashes, range(len(q)), strict=True))
        below = xxhash.xxh3_64_intdigest(origin.record.shard.stem.encode(), seed=seed) >> 32
        for _, _, row in sorted(tie):
            above = below + round(float(q[row]) * _UNITS)
            wanted = above // _UNITS - below // _UNITS
            sharp = min(abs(end / _UNITS - round(end / _UNITS)) for end in (below, above)) > _NEAR
            if origin.copies[row] != wanted and sharp:
                self.draw.differ(
                    f"{origin.keys[row]!r} of {origin.name} came "
                    f"{counted(origin.copies[row], 'time')}, systematic sampling "
                    f"draws it {counted(wanted, 'time')}"
                )
            below = above

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
