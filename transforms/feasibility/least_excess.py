"""The rate that leaves the least excess, where what was written before can be mended at none.

The least total excess X is convex in the rate. Weights that miss something prove, by their
multipliers l (transforms/m4/shortfall.py), a bound on it at every rate at once,

    X(eta)  >=  min {E[q l . a] : 0 <= q <= Q, E[q] = eta} + l . w,

whose slope at their own rate is the score at which the cheapest weights end, and whose least over
all rates takes every sample of negative score. Rates are tried where the bounds known so far are
least: Kelley's cutting planes, on a line. Of rates that leave as little, the largest is found by
halving.
"""

from collections.abc import Callable
from dataclasses import dataclass

from transforms.config.sections import AUTO, Balance
from transforms.feasibility.rate_bounds import least_at_any_rate
from transforms.m4.balance import Balanced
from transforms.m4.shortfall import deficit

_NO_RATE = 1e-6
_TOLERANCE = 1e-3
_AS_LITTLE = 1e-3
_MET = 1e-6
_MOST_TRIALS = 24
_INSIDE = 0.05
_DIGITS = 5


@dataclass(frozen=True)
class _Tried:
    """What weights of a rate miss in total, and what they prove: the least at this rate and how it
    changes with the rate, and the least at any.
    """

    balanced: Balanced
    rate: float
    excess: float
    slope: float
    anywhere: float

    @classmethod
    def of(cls, balanced: Balanced) -> "_Tried":
        """What is known of weights that miss as little as there is to miss."""
        problem, solution = balanced.problem, balanced.solution
        rate, slope, anywhere = problem.terms.eta, 0.0, 0.0
        for proof in balanced.proofs:
            multipliers = proof.multipliers
            scale = float(multipliers.max(initial=0.0))
            slope = scale * deficit(problem, multipliers).threshold
            anywhere = scale * least_at_any_rate(problem, multipliers)
        return cls(balanced, rate, solution.excess, slope, anywhere)


def least_excess(
    asked: Balance, tried: Balanced, solve: Callable[[Balance, Balanced], Balanced]
) -> tuple[Balanced, float]:
    """The weights of the largest rate that leaves the least total excess, to 1e-3 of it, and what
    no weights of any rate go below.

    `solve` gives the weights that miss least at a rate, from others that do at another; `tried` are
    such.
    """
    asked = asked.model_copy(update={"V": AUTO, "priority": ()})

    def at(rate: float, near: Balanced) -> _Tried:
        return _Tried.of(solve(asked.at(rate), near))

    low = at(_NO_RATE * asked.Q, tried)
    high = at(asked.Q, tried)
    best = min(low, high, key=lambda one: one.excess)
    anywhere = max(low.anywhere, high.anywhere)
    for _ in range(_MOST_TRIALS):
        near = best.excess - anywhere <= _AS_LITTLE * best.excess
        if (
            near
            or low.slope >= 0
            or high.slope <= 0
            or high.rate - low.rate <= _TOLERANCE * asked.Q
        ):
            break
        middle = at(_crossing(low, high), best.balanced)
        best = min(best, middle, key=lambda one: one.excess)
        anywhere = max(anywhere, middle.anywhere)
        low, high = (middle, high) if middle.slope < 0 else (low, middle)
    return _largest(best, asked, at).balanced, max(0.0, min(anywhere, best.excess))


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
