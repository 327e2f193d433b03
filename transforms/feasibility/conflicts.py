"""Why something cannot be met, and what would help.

The prices of a problem that misses a bound prove that it must
(transforms/m4/shortfall.py). The constraints with the largest prices are thinned out by
a deletion filter (Chinneck and Dravnieks, "Locating minimal infeasible constraint sets in linear
programs", 1991) to a set that conflicts by itself. Tests run on the corpus as the constraints at
stake see it, which has few patterns, and what would help is then tested on the whole corpus.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.config.schema import Attribute
from transforms.config.sections import AUTO, Balance
from transforms.feasibility.missing_samples import missing_samples
from transforms.feasibility.rates import largest_rate
from transforms.feasibility.remedies import Conflict, Looser
from transforms.feasibility.subproblem import BOUND_OF, Demand, Subproblem, subproblem_of
from transforms.m4.balance import Balanced, attempt
from transforms.m4.problem import Problem
from transforms.m4.shortfall import deficit
from transforms.m4.terms import VACUOUS
from transforms.statistics.histogram import Histogram
from transforms.statistics.row_histograms import RowHistogram

Vector = NDArray[np.float64]
_PROVEN = 1e-9
_MOST_STAKES = 64
_MOST_TESTS = 80
_MOST_PATTERNS_TESTED = 100_000
_CLOSE = 1e-3
_LEAST_BOUND = 1e-4


def conflict_of(
    histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance, balanced: Balanced
) -> Conflict | None:
    """Why `balanced` misses some of what is `asked` of `histogram`; None if nothing proves it."""
    stakes = _stakes(balanced)
    if not stakes:
        return None
    rows = RowHistogram.of(histogram)
    scene = subproblem_of(rows, attributes, asked, stakes)
    tested = len(histogram) <= _MOST_PATTERNS_TESTED
    whole = Subproblem(rows, attributes, asked) if tested else scene
    core = _irreducible(stakes, lambda demands: _conflicting(scene, demands))

    def wider(missed: Balanced) -> Subproblem:
        stakes.extend(demand for demand in _stakes(missed) if demand not in stakes)
        return subproblem_of(rows, attributes, asked, stakes)

    return Conflict(
        asked.rate,
        tuple(demand.constraint.name for demand in core),
        missing_samples(scene, whole, wider),
        _rate(scene, whole),
        tuple(_looser(core, stakes, scene, whole)),
        tested,
    )


def _stakes(balanced: Balanced) -> list[Demand]:
    """The demands with a price, the dearest first, if these prices alone prove a conflict."""
    problem = balanced.problem
    prices = problem.vector_of(balanced.solution.duals)
    dearest = np.argsort(-prices, kind="stable")[: np.count_nonzero(prices)]
    most = _MOST_STAKES
    while not _proven(problem, prices, dearest[:most]):
        if most >= len(dearest):
            return []
        most *= 2
    demands: dict[tuple[str, ...], Demand] = {}
    for at in dearest[:most]:
        constraint = problem.constraints[at]
        key = (constraint.kind, constraint.attribute or "", constraint.label or "")
        demands.setdefault(key, Demand.of(constraint, problem.terms))
    return list(demands.values())


def _proven(problem: Problem, prices: Vector, which: NDArray[np.int64]) -> bool:
    some = np.zeros_like(prices)
    some[which] = prices[which]
    return deficit(problem, some).least > _PROVEN


def _conflicting(scene: Subproblem, demands: Sequence[Demand]) -> bool:
    """Whether these demands alone are proven not to be attainable."""
    alone = subproblem_of(scene.rows, scene.attributes, scene.asked, demands)
    found = attempt(alone.rows, alone.attributes, alone.asked)
    prices = found.problem.vector_of(found.solution.duals)
    return not found.attained and deficit(found.problem, prices).least > _PROVEN


def _irreducible(
    demands: list[Demand], conflicting: Callable[[list[Demand]], bool]
) -> list[Demand]:
    """Fewer demands that still conflict, the dearest first; the cheapest are left out first, many
    at once, then one by one as long as tests are left.
    """
    kept, size, tests = demands[::-1], len(demands) // 2, _MOST_TESTS
    while size and tests:
        start = 0
        while start < len(kept) and tests and len(kept) > 1:
            fewer = kept[:start] + kept[start + size :]
            tests -= 1
            if fewer and conflicting(fewer):
                kept = fewer
            else:
                start += size
        size //= 2
    return kept[::-1]


def _rate(scene: Subproblem, whole: Subproblem) -> float | None:
    """The largest rate: what the scene allows if that will do, else what the whole corpus does."""
    try:
        rate = largest_rate(scene.rows, scene.attributes, _open(scene.asked)).rate
        if attempt(whole.rows, whole.attributes, whole.asked.at(rate)).attained:
            return rate
        return largest_rate(whole.rows, whole.attributes, _open(whole.asked)).rate
    except FairshardError:
        return None


def _open(asked: Balance) -> Balance:
    return asked.model_copy(update={"eta": AUTO})


def _looser(
    core: Sequence[Demand], stakes: Sequence[Demand], scene: Subproblem, whole: Subproblem
) -> Iterator[Looser]:
    """For each measure in conflict, the smallest bound that would do: on what conflicts or, where
    that is not enough, on all that is at stake.
    """
    for kind in dict.fromkeys(d.constraint.kind for d in core if d.share is None):
        for some in (core, stakes):
            demands = [demand for demand in some if demand.constraint.kind == kind]
            value = _smallest(demands, scene)
            if value is not None and _loosened(demands, value, whole):
                yield Looser(BOUND_OF[kind], value, tuple(demand.subject for demand in demands))
                break


def _smallest(demands: Sequence[Demand], scene: Subproblem) -> float | None:
    """The smallest bound on `demands` that will do in `scene`, to 1e-3 of it; None where none."""
    low, high = max(demand.bound for demand in demands), VACUOUS
    if not _loosened(demands, high, scene):
        return None
    while high - low > max(_CLOSE * high, _LEAST_BOUND):
        middle = (low + high) / 2
        low, high = (low, middle) if _loosened(demands, middle, scene) else (middle, high)
    return math.ceil(high / _LEAST_BOUND) * _LEAST_BOUND


def _loosened(demands: Sequence[Demand], bound: float, scene: Subproblem) -> bool:
    overrides = tuple(demand.override(max(demand.bound, bound)) for demand in demands)
    asked = scene.asked.model_copy(update={"overrides": scene.asked.overrides + overrides})
    return attempt(scene.rows, scene.attributes, asked).attained
