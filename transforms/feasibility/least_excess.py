"""The rate that leaves the least excess, where what was written before can be mended at none.

The least total excess X is convex in the rate. Weights that miss something prove, by their
multipliers l (transforms/m4/shortfall.py), a bound on it at every rate at once,

    X(eta)  >=  min {E[q l . a] : 0 <= q <= Q, E[q] = eta} + l . w,

whose slope at their own rate is the score at which the cheapest weights end, and whose least over
all rates takes every sample of negative score. Rates are tried where the bounds known so far are
least: Kelley's cutting planes, on a line. There the multipliers on both sides, mixed so that their
slopes cancel, prove it for all rates. Of rates that leave as little, the largest is found by
halving.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.config.sections import AUTO, Balance
from transforms.feasibility.rate_bounds import least_at_any_rate
from transforms.m4.balance import Balanced
from transforms.m4.problem import Problem
from transforms.m4.shortfall import deficit

Vector = NDArray[np.float64]

_NO_RATE = 1e-6
_TOLERANCE = 1e-3
_AS_LITTLE = 1e-5
_MET = 1e-6
_MOST_TRIALS = 24
_INSIDE = 0.05
_DIGITS = 5


@dataclass(frozen=True)
class AnyRate:
    """That no weights of any rate miss less than `least` in total: multipliers are l, (K,).

    As any proof it is of constraints around the shares that a solution has.
    """

    least: float
    multipliers: Vector

    @classmethod
    def proven(cls, problem: Problem, multipliers: Vector) -> "AnyRate":
        """What multipliers of at most 1 prove."""
        scale = float(multipliers.max(initial=0.0))
        return cls(max(0.0, scale * least_at_any_rate(problem, multipliers)), multipliers)


@dataclass(frozen=True)
class _Tried:
    """What weights of a rate miss in total, and what they prove: how the least changes with it."""

    balanced: Balanced
    rate: float
    excess: float
    slope: float
    proof: AnyRate

    @classmethod
    def of(cls, balanced: Balanced) -> "_Tried":
        """What is known of weights that miss as little as there is to miss."""
        problem = balanced.problem
        multipliers, slope = np.zeros(len(problem.constraints)), 0.0
        for proof in balanced.proofs:
            multipliers = proof.multipliers
            scale = float(multipliers.max(initial=0.0))
            slope = scale * deficit(problem, multipliers).threshold
        proven = AnyRate.proven(problem, multipliers)
        return cls(balanced, problem.terms.eta, balanced.solution.excess, slope, proven)


def least_excess(
    asked: Balance, tried: Balanced, solve: Callable[[Balance, Balanced], Balanced]
) -> tuple[Balanced, AnyRate]:
    """The weights of the largest rate that leaves the least total excess, to 1e-5 of it or to 1e-3
    of the rate, and the proof for all rates.

    `solve` gives the weights that miss least at a rate, from others that do at another; `tried` are
    such.
    """
    asked = asked.model_copy(update={"V": AUTO, "priority": ()})

    def at(rate: float, near: Balanced) -> _Tried:
        return _Tried.of(solve(asked.at(rate), near))

    low = at(_NO_RATE * asked.Q, tried)
    high = at(asked.Q, tried)
    best = min(low, high, key=lambda one: one.excess)
    proofs = [low.proof, high.proof]
    for _ in range(_MOST_TRIALS):
        proofs.append(_mixed(low, high))
        near = best.excess - proofs[-1].least <= _AS_LITTLE * best.excess
        if near or low.slope >= 0 or high.slope <= 0 or high.rate - low.rate <= _TOLERANCE:
            break
        middle = at(_crossing(low, high), best.balanced)
        best = min(best, middle, key=lambda one: one.excess)
        proofs.append(middle.proof)
        low, high = (middle, high) if middle.slope < 0 else (low, middle)
    nearest = _largest(best, asked, at)
    proofs = [AnyRate.proven(nearest.balanced.problem, one.multipliers) for one in proofs]
    return nearest.balanced, max([nearest.proof, *proofs], key=lambda proof: proof.least)


def _mixed(low: _Tried, high: _Tried) -> AnyRate:
    """What the multipliers of two rates prove together, in such parts that slopes cancel."""
    if low.slope >= 0 or high.slope <= 0:
        return low.proof
    part = high.slope / (high.slope - low.slope)
    multipliers = part * low.proof.multipliers + (1 - part) * high.proof.multipliers
    return AnyRate.proven(high.balanced.problem, multipliers)


def _crossing(low: _Tried, high: _Tried) -> float:
    """The rate at which the bounds that two rates prove are alike, well between them."""
    apart = high.rate - low.rate
    level = (high.excess - low.excess - high.slope * apart) / (low.slope - high.slope)
    return round(low.rate + min(max(level, _INSIDE * apart), (1 - _INSIDE) * apart), _DIGITS)


def _largest(best: _Tried, asked: Balance, at: Callable[[float, Balanced], _Tried]) -> _Tried:
    """The largest rate whose weights miss as little as the best do."""
    enough, high = best.excess * (1 + _AS_LITTLE) + _MET, asked.Q
    found = at(high, best.balanced)
    if found.excess <= enough:
        return found
    while high - best.rate > _TOLERANCE * asked.Q:
        found = at(round((best.rate + high) / 2, _DIGITS), best.balanced)
        best, high = (found, high) if found.excess <= enough else (best, found.rate)
    return best
