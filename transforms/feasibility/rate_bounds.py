"""What prices prove of all weights at once: how large a rate can be.

With b = v . a of each sample at prices v >= 0, and any weights 0 <= q <= Q that meet E[q a] <= 0,

    E[q] <= E[q (1 - t b)] <= Q E[max(0, 1 - t b)]        for every t >= 0

which bounds every attainable rate: a fractional knapsack (Dantzig, 1957), solved by sorting b;
ours, from linear duality.
"""

import numpy as np
from numpy.typing import NDArray

from transforms.m4.problem import Problem
from transforms.m4.shortfall import scaled_scores

Vector = NDArray[np.float64]


def largest_rate_bound(probabilities: Vector, scores: Vector, Q: float) -> float:
    """The least Q E[max(0, 1 - t b)] over t >= 0, for scores b of shares `probabilities`, (n,).

    It is convex in t and bends at t = 1 / b, where E[b] of those below b turns positive.
    """
    order = np.argsort(scores, kind="stable")
    b, p = scores[order], probabilities[order]
    turn = int(np.searchsorted(np.cumsum(p * b) > 0, True))
    if turn == len(b):
        return Q * float(p.sum())
    return Q * float(np.sum(p[:turn] * (1 - b[:turn] / b[turn])))


def representation_bound(problem: Problem) -> float:
    """The largest rate that any one bound on a share allows, before anything is solved.

    For shares of all samples it is Q E[s_k] / (pi_k - eps_R) and its mirror image.
    """
    groups = np.zeros(len(problem.s))
    np.add.at(groups, problem.group, problem.probabilities)
    integrands, allowed = problem.integrands, problem.terms.tolerances.representation
    return min(
        largest_rate_bound(
            groups, sign * integrands.share[:, k] - bound * integrands.base[:, k], problem.terms.Q
        )
        for k, bound in enumerate(allowed)
        for sign in (1.0, -1.0)
    )


def rate_bound(problem: Problem, prices: Vector) -> float:
    """The largest rate that `prices`, (K,), do not rule out."""
    return largest_rate_bound(
        problem.probabilities, scaled_scores(problem, prices), problem.terms.Q
    )
