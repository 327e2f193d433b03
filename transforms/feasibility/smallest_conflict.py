"""A conflict, proven by prices, and made smaller until none of it can be left out.

By a deletion filter (Chinneck and Dravnieks, "Locating minimal infeasible constraint sets in linear
programs", 1991) that leaves out, with what is tried, whatever the proof has no price for (their
sensitivity filter). Each trial is on the corpus as the demands left see it, which has few patterns.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from transforms.feasibility.subproblem import Demand, Subproblem, subproblem_of
from transforms.feasibility.trials import Trials
from transforms.m4.problem import Problem
from transforms.m4.shortfall import deficit

Vector = NDArray[np.float64]
_PROVEN = 1e-9


def proven_conflict(problem: Problem, prices: Vector, fewest: int = 1) -> list[Demand]:
    """Demands that `prices`, (K,), prove not to be attainable together, the dearest first.

    About as few as their dearest prices prove it of, but no fewer than `fewest` of those with a
    price; none where nothing is proven.
    """
    demands: dict[tuple[str, ...], tuple[int, Demand]] = {}
    for at in np.argsort(-prices, kind="stable")[: np.count_nonzero(prices)].tolist():
        demand = Demand.of(problem.constraints[at], problem.terms)
        demands.setdefault(demand.measured, (at, demand))
    dearest, some = list(demands.values()), fewest
    while dearest:
        alone = np.zeros_like(prices)
        for at, _ in dearest[:some]:
            alone[at] = prices[at]
        if deficit(problem, alone).least > _PROVEN:
            return [demand for _, demand in dearest[:some]]
        if some >= len(dearest):
            break
        some *= 2
    return []


def smaller_conflicts(
    conflict: Sequence[Demand], proof: Callable[[list[Demand]], list[Demand]]
) -> Iterator[list[Demand]]:
    """Ever fewer demands that conflict, dearest first; of the last, none can be spared.

    The cheapest are left out first, many at once, then one by one. `proof` gives those of some
    demands that conflict; none where that is not proven.
    """
    kept = list(conflict)[::-1]
    size = len(kept) // 2
    while size:
        start = 0
        while start < len(kept):
            fewer = kept[:start] + kept[start + size :]
            proven = {demand.measured: demand for demand in proof(fewer)} if fewer else {}
            if not proven:
                start += size
                continue
            start = sum(demand.measured in proven for demand in kept[:start])
            kept = [proven[demand.measured] for demand in fewer if demand.measured in proven]
            yield kept[::-1]
        size //= 2


def conflicting(scene: Subproblem, demands: Sequence[Demand], trials: Trials) -> list[Demand]:
    """Those of the `demands` that are proven to conflict, by solving for them alone."""
    alone = subproblem_of(scene.rows, scene.attributes, scene.asked, demands, scene.written)
    found = trials(alone)
    if found.attained:
        return []
    return proven_conflict(found.problem, found.problem.vector_of(found.solution.duals))
