"""What no weights can avoid: by how much constraints are missed at least, with its proof.

For any l in [0, 1] per constraint and any weights 0 <= q <= Q of mean eta,

    sum_i max(0, E[q a_i])  >=  E[q l . a]  >=  min {E[q' l . a] : 0 <= q' <= Q, E[q'] = eta} = h(l)

by weak duality. h is a fractional knapsack (Dantzig, 1957), solved by sorting l . a. So h(l) bounds
the total excess of all weights from below, and h(l) > 0 proves that not everything can be met.
Where something was written before, l . w is added to each (transforms/m4/problem.py).
Prices over V are such an l, and as V grows the best one: their bound is short of the least excess
by about 1 / V. Where V is large enough for the weights to stay the same, prices grow in a straight
line, whose slope is best already.

Where some kinds of constraints come first, let X_i be the total excess of rank i. For l of any size
in the ranks before j, in [0, 1] in rank j and 0 after it, with M_i the largest in rank i,

    M_1 X_1 + ... + M_(j-1) X_(j-1) + X_j  >=  E[q l . a]  >=  h(l)

so that weights whose X_1, ..., X_(j-1) are no more than those found have X_j of at least h(l) less
what these cost.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from transforms.config.balance import Kind
from transforms.m4.problem import Problem
from transforms.m4.solver import Solution, scores_of

Vector = NDArray[np.float64]
_ROUNDING = 1e-12
_CERTIFIED = 1e-4


@dataclass(frozen=True)
class Deficit:
    """The least E[q b] at a rate, constants added, above 0 where the rate is not attainable.

    scores is b, float64 (P,); threshold is the score at which the cheapest weights end.
    """

    least: float
    threshold: float
    scores: Vector


def deficit(problem: Problem, prices: Vector) -> Deficit:
    """The least E[q v . a] at the problem's rate, for prices v, (K,), scaled to at most 1."""
    scores, terms = scaled_scores(problem, prices), problem.terms
    found = knapsack(problem.probabilities, scores, terms.eta, terms.Q)
    return replace(found, least=found.least + scaled_constant(problem, prices))


def knapsack(probabilities: Vector, scores: Vector, rate: float, Q: float) -> Deficit:
    """The least E[q b] over all weights of mean `rate`, for scores b, (P,)."""
    order = np.argsort(scores, kind="stable")
    mass = np.cumsum(probabilities[order]) * Q
    last = min(int(np.searchsorted(mass, rate)), len(order) - 1)
    threshold = float(scores[order[last]])
    below = np.minimum(scores - threshold, 0.0)
    least = Q * float(np.sum(probabilities * below))
    return Deficit(least + threshold * rate, threshold, scores)


@dataclass(frozen=True)
class Proof:
    """That no weights of a rate that miss the ranks before by no more than these do miss `kinds` by
    less than `least` in total.

    excess is by how much these weights miss them, `missed` whether they do at all; no weights have
    less than in_total of all kinds together. multipliers are l, float64 (K,).
    """

    kinds: tuple[Kind, ...]
    excess: float
    missed: bool
    least: float
    in_total: float
    multipliers: Vector

    @property
    def certified(self) -> bool:
        """Whether all is met, or missed by no more than is proven to be missed at least."""
        return not self.missed or self.excess - self.least <= _CERTIFIED * self.excess


@dataclass(frozen=True)
class Ranked:
    """A solved problem whose constraints are ranked by their kinds, those that come first at first.

    of is each constraint's rank, (K,), excesses each rank's total excess.
    """

    problem: Problem
    solution: Solution
    ranks: tuple[tuple[Kind, ...], ...]

    @cached_property
    def of(self) -> NDArray[np.int64]:
        """Each constraint's rank, (K,)."""
        rank = {kind: place for place, kinds in enumerate(self.ranks) for kind in kinds}
        return np.array([rank.get(row.kind, len(self.ranks)) for row in self.problem.constraints])

    @cached_property
    def excesses(self) -> Vector:
        """Each rank's total excess; what nothing is asked of is in none."""
        slack = np.array([row.slack for row in self.solution.constraints])
        found = np.bincount(self.of, np.maximum(slack, 0.0), len(self.ranks))
        return np.asarray(found[: len(self.ranks)], np.float64)

    def proof(self, rank: int, multipliers: Vector) -> Proof:
        """What multipliers, (K,), prove of a rank; of patterns that are a sample nothing.

        They are cut to at most 1 in the rank itself, and to 0 in those after it.
        """
        most = np.select([self.of < rank, self.of == rank], [np.inf, 1.0], 0.0)
        cut = np.clip(multipliers, 0.0, most)
        largest, least, spent = float(cut.max(initial=0.0)), 0.0, 0.0
        if self.problem.surplus is None:
            least = max(0.0, largest * deficit(self.problem, cut).least)
            spent = sum(
                float(cut[self.of == place].max(initial=0.0)) * float(self.excesses[place])
                for place in range(rank)
            )
        return Proof(
            self.ranks[rank],
            float(self.excesses[rank]),
            any(
                not row.met
                for row, of in zip(self.solution.constraints, self.of.tolist(), strict=True)
                if of == rank
            ),
            max(0.0, min(least - spent, float(self.excesses[rank]))),
            least / max(1.0, largest),
            cut,
        )


def scaled_scores(problem: Problem, prices: Vector) -> Vector:
    """v . a of every pattern, (P,), prices scaled to at most 1; not above it for all rounding."""
    return scores_of(problem, _scaled(prices)) - _ROUNDING


def scaled_constant(problem: Problem, prices: Vector) -> float:
    """v . w of what is written, for prices scaled likewise; not above it for all rounding."""
    if problem.written is None:
        return 0.0
    terms = _scaled(prices) * problem.written_biases
    return float(terms.sum()) - _ROUNDING * float(np.abs(terms).sum())


def _scaled(prices: Vector) -> Vector:
    largest = float(prices.max(initial=0.0))
    return prices / largest if largest else prices
