"""What prices prove of all weights at once: how large a rate can be, and what must be missed.

With b = v . a of each sample at prices v >= 0, and any weights 0 <= q <= Q that meet E[q a] <= 0,

    E[q] <= E[q (1 - t b)] <= Q E[max(0, 1 - t b)]        for every t >= 0          (rate)
    0 >= E[q b] >= min {E[q' b] : 0 <= q' <= Q, E[q'] = eta} = h                    (deficit)

so that the first bounds every attainable rate, and h > 0 proves that eta is not attainable. Both
are fractional knapsacks (Dantzig, 1957), solved by sorting b; ours, from linear duality.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.m4.problem import Problem
from transforms.m4.solver import scores_of

Vector = NDArray[np.float64]
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Deficit:
    """The least E[q b] at a rate, above 0 where the rate is not attainable.

    scores is b, float64 (P,); threshold is the score at which the cheapest weights end.
    """

    least: float
    threshold: float
    scores: Vector


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
        largest_rate_bound(groups, sign * integrands.share[:, k] - bound * base, problem.terms.Q)
        for k, (bound, base) in enumerate(zip(allowed, integrands.base.T, strict=True))
        for sign in (1.0, -1.0)
    )


def rate_bound(problem: Problem, prices: Vector) -> float:
    """The largest rate that `prices`, (K,), do not rule out."""
    return largest_rate_bound(problem.probabilities, _scores(problem, prices), problem.terms.Q)


def deficit(problem: Problem, prices: Vector) -> Deficit:
    """The least E[q v . a] at the problem's rate, for prices v, (K,), scaled to at most 1."""
    scores = _scores(problem, prices)
    order = np.argsort(scores, kind="stable")
    mass = np.cumsum(problem.probabilities[order]) * problem.terms.Q
    last = min(int(np.searchsorted(mass, problem.terms.eta)), len(order) - 1)
    threshold = float(scores[order[last]])
    below = np.minimum(scores - threshold, 0.0)
    least = problem.terms.Q * float(np.sum(problem.probabilities * below))
    return Deficit(least + threshold * problem.terms.eta, threshold, scores)


def _scores(problem: Problem, prices: Vector) -> Vector:
    """v . a of every pattern, (P,), prices scaled to at most 1; not above it for all rounding."""
    largest = float(prices.max(initial=0.0))
    return scores_of(problem, prices / largest if largest else prices) - _ROUNDING
