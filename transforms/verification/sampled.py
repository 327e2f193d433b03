"""The rows that a plan of a corpus of too many patterns was solved on, drawn again."""

import numpy as np
import xxhash
from numpy.typing import NDArray

from transforms.verification.checks import Check
from transforms.verification.labels import Corpus
from transforms.verification.plan_evidence import PlanEvidence

GAP = 1e-6
_WORD = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_SECOND, _THIRD = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def in_sample(shard: str, first: int, rows: int, share: float) -> NDArray[np.bool_]:
    """Which rows of a shard's label table are drawn, bool (rows,), from row `first` on.

    Row i is, where the i-th number of SplitMix64 from the hash of the shard's name is below share
    times 2^64; docs/method.md.
    """
    start = (xxhash.xxh3_64_intdigest(shard.encode()) + _GOLDEN * (first + 1)) & _WORD
    state = np.uint64(start) + np.arange(rows, dtype=np.uint64) * np.uint64(_GOLDEN)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(_SECOND)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(_THIRD)
    number = state ^ (state >> np.uint64(31))
    return np.asarray(number <= np.uint64(int(share * (1 << 64)) - 1))


def check_sampled(plan: PlanEvidence, corpus: Corpus, samples: int, check: Check) -> None:
    """Compare what a plan says of its sample with the rows drawn again, of `samples` in all."""
    said, most = plan.sampled, plan.config.balance.max_patterns
    if said is None:
        return
    check.expect(
        said.samples == corpus.samples,
        f"plan.json says it was solved on {said.samples:,} samples, its share draws "
        f"{corpus.samples:,}",
    )
    check.expect(
        samples * said.share <= most < 2 * samples * said.share,
        f"plan.json says that a share of {said.share:g} was drawn, which of {samples:,} samples is "
        f"not what max_patterns = {most:,} allows",
    )
    found = plan.certificate
    check.expect(
        (found.gap, found.violation, found.rate)
        in [(entry.gap, entry.violation, entry.rate) for entry in said.passes],
        "the certificate in plan.json is that of none of its passes",
    )
    check.expect(
        said.polished <= (found.gap <= GAP),
        f"plan.json says that polishing came to an end, and its gap is {found.gap:.1e}",
    )
    check.found = f"{corpus.samples:,} of {samples:,} samples, those that were solved on"
