"""What no weights can avoid, derived again from the multipliers that a plan gives as its proof."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.verification.checks import Check
from transforms.verification.configured import BalanceEntry
from transforms.verification.formulas import integrand
from transforms.verification.labels import Corpus
from transforms.verification.plan_evidence import PlanEvidence
from transforms.verification.solution import MOMENT_TOLERANCE, SolvedProblem
from transforms.verification.stated import Stated, Vector

KINDS = ("representation", "association", "skew", "share")


@dataclass(frozen=True)
class RankProof:
    """Of a rank of kinds: its total excess under the weights, and what its multipliers prove: the
    least that it can be, and the least of all kinds together.
    """

    excess: float
    least: float
    in_total: float


def check_shortfall(
    plan: PlanEvidence,
    corpus: Corpus,
    mine: SolvedProblem,
    stated: Stated,
    check: Check,
    written: Vector | float = 0.0,
) -> None:
    """Compare total excesses with the weights', and the least there is with what the proofs give.

    For multipliers l in [0, 1] and any weights of mean eta, the total excess is at least the least
    E[q l . a]. Where some kinds come first, l may be of any size in those before, whose own excess
    then counts that many times. `written` is the sum of each a over what was written before, which
    is added. Of a plan that was solved on a sample, nothing is proven.
    """
    said, excesses = plan.certificate, np.maximum(mine.expected, 0.0)
    allowed = MOMENT_TOLERANCE * max(1, len(excesses))
    kinds = [tuple(rank.kinds) for rank in said.ranks] or [KINDS]
    if said.ranks:
        check.expect(
            kinds == ranks_asked(plan.config.balance, kinds),
            f"certificate.ranks are in the order {kinds} in plan.json, which was not asked",
        )
    place = {kind: rank for rank, some in enumerate(kinds) for kind in some}
    of = np.array([place.get(one.entry.kind, len(kinds)) for one in stated.constraints])
    proofs = []
    for rank in range(len(kinds)):
        multipliers = _multipliers(rank, of, stated, check)
        least = 0.0
        if not plan.sampled:
            constant = float(np.sum(multipliers * written)) / corpus.samples
            least = least_mean(corpus, stated, multipliers) + constant
        proofs.append(_proof(rank, of, multipliers, least, excesses))
    total, in_total = math.fsum(excesses), max(proof.in_total for proof in proofs)
    claims = [("certificate", said.excess, said.least_excess or 0.0, total, in_total)]
    claims += [
        (f"certificate.ranks.{rank}", claim.excess, claim.least_excess, proof.excess, proof.least)
        for rank, (claim, proof) in enumerate(zip(said.ranks, proofs, strict=False))
    ]
    for where, excess, least, found, proven in claims:
        if excess is not None:
            check.expect(
                abs(excess - found) <= allowed,
                f"{where}.excess is {excess:.12g} in plan.json, the constraints' add up to "
                f"{found:.12g}",
            )
        if least:
            check.expect(
                least <= proven + allowed,
                f"{where}.least_excess is {least:.12g} in plan.json, its proof gives {proven:.12g}",
            )


def _proof(
    rank: int, of: NDArray[np.int64], multipliers: Vector, least: float, excesses: Vector
) -> RankProof:
    """What multipliers, (K,), with the least E[q l . a] prove of a rank."""
    cost = math.fsum(
        float(multipliers[of == before].max(initial=0.0)) * math.fsum(excesses[of == before])
        for before in range(rank)
    )
    largest = max(1.0, float(multipliers.max(initial=0.0)))
    return RankProof(
        math.fsum(excesses[of == rank]), max(least - cost, 0.0), max(least / largest, 0.0)
    )


def ranks_asked(balance: BalanceEntry, there: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The kinds that there are, in the order in which they are to be met."""
    given = balance.V if isinstance(balance.V, dict) else dict.fromkeys(KINDS, balance.V)
    fixed = tuple(kind for kind in KINDS if not isinstance(given.get(kind, "auto"), str))
    named = [(kind,) for kind in balance.priority]
    rest = tuple(kind for kind in KINDS if kind not in (*balance.priority, *fixed))
    some = {kind for kinds in there for kind in kinds}
    ranks = (tuple(kind for kind in kinds if kind in some) for kinds in (*named, rest, fixed))
    return list(filter(None, ranks))


def _multipliers(rank: int, of: NDArray[np.int64], stated: Stated, check: Check) -> Vector:
    """The multipliers of the proof of a rank, (K,); 0 where the plan has none, or none that may be.

    They are 0 or more in the ranks before, 0 to 1 in the rank itself, and 0 in those after it.
    """
    found = np.zeros(len(stated.constraints))
    for i, constraint in enumerate(stated.constraints):
        multiplier = constraint.entry.proof[rank] if rank < len(constraint.entry.proof) else 0.0
        most = np.inf if of[i] < rank else float(of[i] == rank)
        if 0 <= multiplier <= most and math.isfinite(multiplier):
            found[i] = multiplier
        else:
            check.differ(
                f"{constraint.name}: the proof takes {multiplier:g} of it, not 0 to {most:g}"
            )
    return found


def least_mean(corpus: Corpus, stated: Stated, multipliers: Vector) -> float:
    """The least E[q l . a] of weights of mean eta: those score least are taken whole, up to eta."""
    scores = np.zeros(len(corpus.counts))
    if not multipliers.any():
        return 0.0
    for here, rows in corpus.blocks(stated):
        for constraint, multiplier in zip(stated.constraints, multipliers.tolist(), strict=True):
            if multiplier:
                scores[here] += multiplier * integrand(constraint, rows)
    order = np.argsort(scores)
    room = stated.Q * corpus.counts[order] / corpus.samples
    filled = np.minimum(np.cumsum(room), stated.eta)
    return math.fsum(scores[order] * np.diff(filled, prepend=0.0))
