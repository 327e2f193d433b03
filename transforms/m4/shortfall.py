"""What no weights can avoid: by how much constraints are missed at least, with its proof.

For any l in [0, 1] per constraint and any weights 0 <= q <= Q of mean eta,

    sum_i max(0, E[q a_i])  >=  E[q l . a]  >=  min {E[q' l . a] : 0 <= q' <= Q, E[q'] = eta} = h(l)

by weak duality. h is a fractional knapsack (Dantzig, 1957), solved by sorting l . a. So h(l) bounds
the total excess of all weights from below, and h(l) > 0 proves that not everything can be met.
Prices over V are such an l, and as V grows the best one: their bound is short of the least excess
by about 1 / V. Where V is large enough for the weights to stay the same, prices grow in a straight
line, whose slope is best already.
"""

from dataclasses import dataclass
from typing import Self

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


def deficit(problem: Problem, prices: Vector) -> Deficit:
    """The least E[q v . a] at the problem's rate, for prices v, (K,), scaled to at most 1."""
    scores = scaled_scores(problem, prices)
    order = np.argsort(scores, kind="stable")
    mass = np.cumsum(problem.probabilities[order]) * problem.terms.Q
    last = min(int(np.searchsorted(mass, problem.terms.eta)), len(order) - 1)
    threshold = float(scores[order[last]])
    below = np.minimum(scores - threshold, 0.0)
    least = problem.terms.Q * float(np.sum(problem.probabilities * below))
    return Deficit(least + threshold * problem.terms.eta, threshold, scores)


@dataclass(frozen=True)
class Proof:
    """That no weights of a rate have less than `least` of total excess: the multipliers l, (K,)."""

    least: float
    multipliers: Vector

    @classmethod
    def by(cls, problem: Problem, multipliers: Vector) -> Self:
        """What multipliers, (K,), cut to [0, 1], prove; of patterns that are a sample nothing."""
        cut = np.clip(multipliers, 0.0, 1.0)
        if problem.surplus is not None:
            return cls(0.0, cut)
        return cls(max(0.0, float(cut.max(initial=0.0)) * deficit(problem, cut).least), cut)


def scaled_scores(problem: Problem, prices: Vector) -> Vector:
    """v . a of every pattern, (P,), prices scaled to at most 1; not above it for all rounding."""
    largest = float(prices.max(initial=0.0))
    return scores_of(problem, prices / largest if largest else prices) - _ROUNDING
