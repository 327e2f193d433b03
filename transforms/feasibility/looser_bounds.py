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
from transforms.feasibility.subproblem import Demand, Subproblem, overriding
from transforms.feasibility.trials import Trials
from transforms.m4.balance import Balanced, terms_asked
from transforms.m4.shortfall import knapsack, scaled_constant, scaled_scores
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
    for key in dict.fromkeys(one.key for one in core if one.share is None):
        for some in (core, stakes):
            demands = [demand for demand in some if demand.share is None and demand.key == key]
            value = smallest_bound(demands, scene, trials)
            if value is not None and trials(_loosened(demands, value, whole)).attained:
                yield Looser(key, value, tuple(demand.subject for demand in demands))
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
    looser = problem.under(replace(problem.terms, tolerances=tolerances))
    here, there = (scaled_scores(one, prices) for one in (problem, looser))
    constant, further_on = (scaled_constant(one, prices) for one in (problem, looser))

    def least(at: float) -> float:
        part, terms = (at - bound) / (further - bound), problem.terms
        found = knapsack(problem.probabilities, here + part * (there - here), terms.eta, terms.Q)
        return found.least + constant + part * (further_on - constant)

    if least(bound) <= 0:
        return at
    if least(VACUOUS) > 0:
        return round(VACUOUS / _STEP)
    root = float(brentq(least, bound, VACUOUS, xtol=_ROUNDING))
    return math.ceil(round(root / _STEP, 6))


def _loosened(demands: Sequence[Demand], bound: float, scene: Subproblem) -> Subproblem:
    of_union, of_generation = overriding(demands, bound)
    asked = scene.asked.asking_of_generation(scene.asked.of_generation + of_generation)
    asked = asked.model_copy(update={"overrides": asked.overrides + of_union})
    return replace(scene, asked=asked)
