"""What no weights can avoid, derived again from the multipliers that a plan gives as its proof."""

import math

import numpy as np

from transforms.verification.checks import Check
from transforms.verification.evidence import PlanEvidence
from transforms.verification.formulas import integrand
from transforms.verification.labels import Corpus
from transforms.verification.solution import MOMENT_TOLERANCE, SolvedProblem
from transforms.verification.stated import Stated, Vector


def check_shortfall(
    plan: PlanEvidence, corpus: Corpus, mine: SolvedProblem, stated: Stated, check: Check
) -> None:
    """Compare the total excess with the weights', and its least with what the proof gives.

    For multipliers l in [0, 1] and any weights of mean eta, the total excess is at least the least
    E[q l . a]. Of a plan that was solved on a sample, nothing is proven.
    """
    excess, least = plan.certificate.excess, plan.certificate.least_excess or 0.0
    if excess is not None:
        found = math.fsum(np.maximum(mine.expected, 0.0))
        check.expect(
            abs(excess - found) <= MOMENT_TOLERANCE * len(mine.expected),
            f"certificate.excess is {excess:.12g} in plan.json, the constraints' add up to "
            f"{found:.12g}",
        )
    multipliers = np.array([constraint.entry.proof for constraint in stated.constraints])
    for constraint, multiplier in zip(stated.constraints, multipliers.tolist(), strict=True):
        if not 0 <= multiplier <= 1:
            check.differ(f"{constraint.name}: the proof takes {multiplier:g} of it, not 0 to 1")
    if least:
        proven = 0.0 if plan.sampled else least_mean(corpus, stated, multipliers)
        check.expect(
            least <= proven + MOMENT_TOLERANCE,
            f"certificate.least_excess is {least:.12g} in plan.json, its proof gives {proven:.12g}",
        )


def least_mean(corpus: Corpus, stated: Stated, multipliers: Vector) -> float:
    """The least E[q l . a] of weights of mean eta: those score least are taken whole, up to eta."""
    scores = np.zeros(len(corpus.counts))
    for here, rows in corpus.blocks(stated):
        for constraint, multiplier in zip(stated.constraints, multipliers.tolist(), strict=True):
            if multiplier:
                scores[here] += multiplier * integrand(constraint, rows)
    order = np.argsort(scores)
    room = stated.Q * corpus.counts[order] / corpus.samples
    filled = np.minimum(np.cumsum(room), stated.eta)
    return math.fsum(scores[order] * np.diff(filled, prepend=0.0))
