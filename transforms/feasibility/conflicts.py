"""Why something cannot be met, and what would help.

The prices of a problem that misses a bound prove that it must
(transforms/m4/shortfall.py). The dearest that prove it by themselves are a conflict, which is then
made smaller (transforms/feasibility/smallest_conflict.py). Trials run on the corpus as the
constraints at stake see it, which has fewer patterns, and what would help is then tried on the
whole corpus. Each step tells what is known by then, so that it can be the last.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.config.schema import Attribute
from transforms.config.sections import AUTO, Balance
from transforms.feasibility.explanation import NOTHING_KNOWN, Explanation, Remedy
from transforms.feasibility.looser_bounds import looser_bounds
from transforms.feasibility.missing_samples import missing_samples
from transforms.feasibility.rate_bounds import rate_bound
from transforms.feasibility.rates import LargestRate, largest_rate
from transforms.feasibility.remedies import Conflict, MissingSamples
from transforms.feasibility.smallest_conflict import (
    conflicting,
    proven_conflict,
    smaller_conflicts,
)
from transforms.feasibility.subproblem import Demand, Subproblem, subproblem_of
from transforms.feasibility.trials import StoppedError, Trials
from transforms.m4.balance import Balanced
from transforms.m4.problem import Problem
from transforms.statistics.histogram import Histogram
from transforms.statistics.moments import Moments
from transforms.statistics.row_histograms import RowHistogram

Vector = NDArray[np.float64]
_STAKES = 64
_NO_RATE = 1e-6
_MOST_PATTERNS_TESTED = 100_000


@dataclass(frozen=True)
class Unmet:
    """A problem whose solution, of these prices (K,), misses some of what is asked of a corpus.

    The corpus is `times` as large as the histogram.
    """

    histogram: Histogram
    attributes: tuple[Attribute, ...]
    asked: Balance
    problem: Problem
    prices: Vector
    times: float = 1.0

    @property
    def written(self) -> Moments | None:
        """The moments of what was written before, if anything was, beside this histogram."""
        written = self.problem.written
        return written and written.times(self.histogram.samples)

    @classmethod
    def of(cls, histogram: Histogram, asked: Balance, balanced: Balanced) -> "Unmet":
        """What `balanced` misses of what was `asked`."""
        problem = balanced.problem
        at_rate = asked.at(problem.terms.eta)
        return cls(histogram, problem.terms.attributes, at_rate, problem, _prices(balanced))


def explained(
    unmet: Unmet, known: Explanation = NOTHING_KNOWN, enough: Callable[[], bool] = lambda: False
) -> Iterator[Explanation]:
    """Ever more of why something is unmet, from what is `known`, until all is or there is `enough`.

    That is asked before every problem that is solved for it.
    """
    with suppress(StoppedError):
        yield from _beyond(known, unmet, Trials(enough))


def _beyond(known: Explanation, unmet: Unmet, trials: Trials) -> Iterator[Explanation]:
    rows = RowHistogram.of(unmet.histogram)
    whole = Subproblem(rows, unmet.attributes, unmet.asked, unmet.written)
    problem, prices = unmet.problem, unmet.prices
    if not proven_conflict(problem, prices):
        tried = trials(whole)
        problem, prices = tried.problem, _prices(tried)
        if tried.attained or not proven_conflict(problem, prices):
            yield replace(known, finding="attainable" if tried.attained else "unproven")
            return
    stakes = proven_conflict(problem, prices, _STAKES)
    tested = len(rows) <= _MOST_PATTERNS_TESTED and unmet.times == 1
    scene = subproblem_of(rows, unmet.attributes, unmet.asked, stakes, unmet.written)
    core = _named(known, problem)
    found = known
    if not core:
        core = proven_conflict(problem, prices)
        conflict = Conflict(unmet.asked.rate, _names(core), None, None, (), tested)
        found = replace(known, finding="conflict", conflict=conflict, smallest=len(core) == 1)
        yield found
    if not found.smallest:
        for fewer in smaller_conflicts(core, lambda some: conflicting(scene, some, trials)):
            core, found = fewer, _with(found, constraints=_names(fewer))
            yield found
        found = replace(found, smallest=True)
        yield found
    search = _Search(stakes, scene, whole if tested else scene, trials, unmet.times)
    near = rate_bound(problem, prices)
    remedies: dict[Remedy, Callable[[], Any]] = {
        "rate": lambda: search.rate(near),
        "looser": lambda: tuple(looser_bounds(core, stakes, scene, search.whole, trials)),
        "missing": search.missing,
    }
    for remedy in found.left:
        found = _with(found, **{remedy: remedies[remedy]()})
        found = replace(found, sought=(*found.sought, remedy))
        yield found


@dataclass(frozen=True)
class _Search:
    """The search for what would do instead: in the scene that `stakes` see, then on the whole."""

    stakes: list[Demand]
    scene: Subproblem
    whole: Subproblem
    trials: Trials
    times: float

    def rate(self, near: float) -> float | None:
        """The largest rate: what the scene allows if that will do, else what the whole corpus does;
        the search begins where it is `near`.
        """
        try:
            if self._takes_some():
                return None
            found = self._largest(self.scene, near)
            at_rate = replace(self.whole, asked=self.whole.asked.at(found.rate))
            if self.trials(at_rate).attained:
                return found.rate
            return self._largest(self.whole, found.upper).rate
        except FairshardError:
            return None

    def _largest(self, of: Subproblem, near: float) -> LargestRate:
        asked, attempt = _open(of.asked), self.trials.attempt
        return largest_rate(of.rows, of.attributes, asked, near, attempt, of.written)

    def _takes_some(self) -> bool:
        """Whether what was written before is not within its bounds: no rate but some that mend it
        will do, and not all up to the largest.
        """
        least = self.whole.asked.at(_NO_RATE * self.whole.asked.Q)
        whole = replace(self.whole, asked=least)
        return whole.written is not None and not self.trials(whole).attained

    def missing(self) -> MissingSamples | None:
        """The samples that are missing in the corpus."""
        stakes = list(self.stakes)

        def wider(missed: Balanced) -> Subproblem:
            seen = {demand.measured for demand in stakes}
            more = proven_conflict(missed.problem, _prices(missed), _STAKES)
            stakes.extend(demand for demand in more if demand.measured not in seen)
            whole = self.whole
            return subproblem_of(whole.rows, whole.attributes, whole.asked, stakes, whole.written)

        found = missing_samples(self.scene, self.whole, wider, self.trials)
        return found and (found if self.times == 1 else found.times(self.times))


def _prices(balanced: Balanced) -> Vector:
    return balanced.problem.vector_of(balanced.solution.duals)


def _open(asked: Balance) -> Balance:
    return asked.model_copy(update={"eta": AUTO})


def _names(demands: Sequence[Demand]) -> tuple[str, ...]:
    return tuple(demand.constraint.name for demand in demands)


def _named(known: Explanation, problem: Problem) -> list[Demand]:
    """The demands of the conflict that is known; none where they are not all of this problem."""
    names = known.conflict.constraints if known.conflict else ()
    by_name = {constraint.name: constraint for constraint in problem.constraints}
    if any(name not in by_name for name in names):
        return []
    return [Demand.of(by_name[name], problem.terms) for name in names]


def _with(found: Explanation, **values: Any) -> Explanation:
    """What is found with more of its conflict."""
    return replace(found, conflict=found.conflict and replace(found.conflict, **values))
