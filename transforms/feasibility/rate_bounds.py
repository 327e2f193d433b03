"""What prices prove of all weights at once: how large a rate can be, and how small.

With b = v . a of each sample at prices v >= 0, and any weights 0 <= q <= Q that meet E[q a] <= 0,

    E[q] <= E[q (1 - t b)] <= Q E[max(0, 1 - t b)]        for every t >= 0

which bounds every attainable rate: a fractional knapsack (Dantzig, 1957), solved by sorting b;
ours, from linear duality. Where something was written before, E[q a] + w <= 0 is to be met, so that
t v . w is subtracted; and rates may be too small as well, as it takes enough samples to mend it.
"""

import numpy as np
from numpy.typing import NDArray

from transforms.m4.constraints import REPRESENTATION, ConstraintTable
from transforms.m4.problem import Problem
from transforms.m4.shortfall import scaled_constant, scaled_scores

Vector = NDArray[np.float64]


def largest_rate_bound(
    probabilities: Vector, scores: Vector, Q: float, constant: float = 0.0
) -> float:
    """The least Q E[max(0, 1 - t b)] - t constant over t >= 0, for scores b of shares
    `probabilities`, (n,); 0 where it has no least.

    It is convex in t and bends at t = 1 / b, where E[b] of those below b turns positive.
    """
    order = np.argsort(scores, kind="stable")
    b, p = scores[order], probabilities[order]
    dear, taken = b > 0, p * b
    if float(taken[~dear].sum()) + constant / Q > 0:
        return 0.0
    turn = int(np.searchsorted(dear & (np.cumsum(taken) + constant / Q > 0), True))
    if turn == len(b):
        return Q * float(p.sum())
    return Q * float(np.sum(p[:turn] * (1 - b[:turn] / b[turn]))) - constant / float(b[turn])


def least_rate_bound(probabilities: Vector, scores: Vector, Q: float, constant: float) -> float:
    """The least rate at which the least E[q b] + constant is not above 0; infinite where none is.

    It falls with the rate as long as scores b are below 0.
    """
    if constant <= 0:
        return 0.0
    order = np.argsort(scores, kind="stable")
    b, p = scores[order], probabilities[order]
    cheap = b < 0
    enough = np.flatnonzero(cheap & (np.cumsum(p * b) + constant / Q <= 0))
    if not len(enough):
        return float("inf")
    last = int(enough[0])
    return Q * float(np.sum(p[:last] * (1 - b[:last] / b[last]))) - constant / float(b[last])


def representation_bound(problem: Problem) -> float:
    """The largest rate that any one bound on a share allows, before anything is solved.

    For shares of all samples it is Q E[s_k] / (pi_k - eps_R) and its mirror image.
    """
    groups = np.zeros(len(problem.s))
    np.add.at(groups, problem.group, problem.probabilities)
    integrands, table = problem.integrands, ConstraintTable.of(problem.terms)
    rows = table.some(np.flatnonzero(table.kind == REPRESENTATION))
    written = np.broadcast_to(problem.written_biases, table.kind.shape)[
        table.kind == REPRESENTATION
    ]
    return min(
        largest_rate_bound(
            groups,
            sign * integrands.share[:, k] - bound * integrands.base[:, k],
            problem.terms.Q,
            constant,
        )
        for sign, k, bound, constant in zip(
            rows.sign, rows.attribute, rows.tolerance, written.tolist(), strict=True
        )
    )


def rate_bound(problem: Problem, prices: Vector) -> float:
    """The largest rate that `prices`, (K,), do not rule out."""
    return rates_allowed(problem, prices)[1]


def rates_allowed(problem: Problem, prices: Vector) -> tuple[float, float]:
    """The least and the largest rate that `prices`, (K,), do not rule out; where they rule out all,
    the least is the larger.
    """
    scores, constant = scaled_scores(problem, prices), scaled_constant(problem, prices)
    given = (problem.probabilities, scores, problem.terms.Q, constant)
    return least_rate_bound(*given), largest_rate_bound(*given)


def least_at_any_rate(problem: Problem, prices: Vector) -> float:
    """No weights of any rate have less E[q l . a] + l . w, for multipliers l of at most 1: `prices`
    scaled to that, (K,). Above 0 it proves that no rate will do.
    """
    scores = scaled_scores(problem, prices)
    taken = problem.terms.Q * float(np.sum(problem.probabilities * np.minimum(scores, 0.0)))
    return taken + scaled_constant(problem, prices)
