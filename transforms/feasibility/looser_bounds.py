"""The smallest bounds that would do in place of those in conflict.

What prices v prove at one bound they prove of others too: E[q v . a] is linear in the bound, so
that its least over all weights is concave in it, and up to where it turns negative no bound can be
met. There the next one is tried: Newton's method.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from scipy.optimize import brentq

from transforms.feasibility.remedies import Looser
from transforms.feasibility.subproblem import BOUND_OF, Demand, Subproblem
from transforms.feasibility.trials import Trials
from transforms.m4.balance import Balanced, terms_asked
from transforms.m4.shortfall import knapsack, scaled_scores
from transforms.m4.terms import VACUOUS

_STEP = 1e-4
_CLOSE = 1e-3
_ROUNDING = 1e-12


def looser_bounds(
    core: Sequence[Demand],
    stakes: Sequence[Demand],
    scene: Subproblem,
    whole: Subproblem,
    trials: Trials,
) -> Iterator[Looser]:
    """For each measure in conflict, the smallest bound that would do: on what conflicts or, where
    that is not enough, on all that is at stake.
    """
    for kind in dict.fromkeys(one.constraint.kind for one in core if one.share is None):
        for some in (core, stakes):
            demands = [demand for demand in some if demand.constraint.kind == kind]
            value = smallest_bound(demands, scene, trials)
            if value is not None and trials(_loosened(demands, value, whole)).attained:
                yield Looser(BOUND_OF[kind], value, tuple(demand.subject for demand in demands))
                break


def smallest_bound(demands: Sequence[Demand], scene: Subproblem, trials: Trials) -> float | None:
    """The smallest bound on `demands` that will do in `scene`, to 1e-3 of it; None where none.

    Where associations bend, a step may go too far: what is attained is lowered until one is missed.
    """
    if not trials(_loosened(demands, VACUOUS, scene)).attained:
        return None
    low, high = int(max(demand.bound for demand in demands) / _STEP), round(VACUOUS / _STEP)
    bound, step = low, 1
    while high - low > max(1, int(_CLOSE * high)):
        tried = trials(_loosened(demands, bound * _STEP, scene))
        if tried.attained:
            high, proven = bound, bound - max(1, int(_CLOSE * bound))
        else:
            low, proven = bound, _proven(tried, demands, bound, scene)
        step = 2 * step if abs(proven - bound) <= step else 1
        bound = max(proven, low + step) if low == bound else min(proven, high - step)
        if not low < bound < high:
            bound = (low + high) // 2
    return round(high * _STEP, 4)


def _proven(missed: Balanced, demands: Sequence[Demand], at: int, scene: Subproblem) -> int:
    """Below which bound the prices of what is `missed` at one prove that all are missed: at the
    shares around which its associations are linear. Bounds are in steps.
    """
    bound = at * _STEP
    problem, further = missed.problem, (bound + VACUOUS) / 2
    prices = problem.vector_of(missed.solution.duals)
    eased = _loosened(demands, further, scene)
    tolerances = terms_asked(eased.rows, eased.attributes, eased.asked).tolerances
    here = scaled_scores(problem, prices)
    there = scaled_scores(problem.under(replace(problem.terms, tolerances=tolerances)), prices)

    def least(at: float) -> float:
        scores = here + (at - bound) / (further - bound) * (there - here)
        terms = problem.terms
        return knapsack(problem.probabilities, scores, terms.eta, terms.Q).least

    if least(bound) <= 0:
        return at
    if least(VACUOUS) > 0:
        return round(VACUOUS / _STEP)
    root = float(brentq(least, bound, VACUOUS, xtol=_ROUNDING))
    return math.ceil(round(root / _STEP, 6))


def _loosened(demands: Sequence[Demand], bound: float, scene: Subproblem) -> Subproblem:
    overrides = tuple(demand.override(max(demand.bound, bound)) for demand in demands)
    asked = scene.asked.model_copy(update={"overrides": scene.asked.overrides + overrides})
    return replace(scene, asked=asked)
