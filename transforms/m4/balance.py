"""From what is asked of a corpus, in the paper's measures, to the problem that meets it."""

from dataclasses import dataclass, replace

import numpy as np

from transforms.base.blas import one_thread
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.m4.problem import Problem, problem_of
from transforms.m4.solver import Solution, solve
from transforms.m4.targets import targets_of
from transforms.m4.terms import Terms, Tolerances
from transforms.m4.weights import Duals
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import Measures, measures_of
from transforms.statistics.moments import Moments

_MAX_ROUNDS = 12
MET = 1e-6
_SETTLED = 1e-9
_NEAR = 1e-4
_ATTAINED = 1e-5


@dataclass(frozen=True)
class Balanced:
    """A solved problem, and the measures of the corpus under its weights."""

    problem: Problem
    solution: Solution
    measures: Measures

    @property
    def attained(self) -> bool:
        """Whether everything asked for is met, by the problem and in the measures themselves."""
        asked, found = self.problem.terms.tolerances, self.measures
        excesses = (
            found.RB - asked.representation,
            np.abs(found.AB) - asked.association,
            np.abs(found.skew) - asked.skew,
        )
        largest = max(np.nan_to_num(excess).max(initial=0.0) for excess in excesses)
        return not self.solution.unattainable and bool(largest <= _ATTAINED)


def balance(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    start: Balanced | None = None,
) -> Balanced:
    """The least change of `histogram` that meets what is `asked`, or comes nearest to it.

    `start` is what the same corpus gave for something much like it, if there is such. Raises
    ConfigError where the rate is left open (see `transforms.feasibility.rates`).

    Association bias is a ratio: its constraint is linear only around the shares that attributes and
    labels have among the kept samples, and those are known once the problem is solved. So problems
    are solved, each from the one before and around the shares that it gave, until AB is met. The
    error of each is of second order (transforms/m4/terms.py), so that two or three mostly suffice.
    """
    with one_thread():
        return _balanced(histogram, attributes, asked, start)


def _balanced(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    start: Balanced | None,
) -> Balanced:
    terms = terms_asked(histogram, attributes, asked)
    if start is None:
        return settled(histogram, problem_of(histogram, terms))
    near = start.problem.terms
    around = replace(terms, centres=near.centres, label_centres=near.label_centres)
    duals = _scaled(start.solution.duals, terms.eta / near.eta, asked.V)
    return settled(histogram, start.problem.under(around), duals)


def settled(
    histogram: Histogram, problem: Problem, start: Duals | None = None, tolerance: float = 1e-6
) -> Balanced:
    """`problem` solved to a gap of `tolerance`, from `start`, and again around the shares found
    until AB is met.
    """
    solution = solve(problem, tolerance, start)
    moments = _moments(histogram, problem, solution)
    for _ in range(_MAX_ROUNDS):
        terms = problem.terms
        centres, label_centres = moments.centres(terms.attributes)
        moved = np.abs(centres - terms.centres).max()
        done = excess_AB(moments, terms) <= MET or bool(solution.unattainable)
        if moved <= _SETTLED or (done and moved <= _NEAR):
            break
        problem = problem.under(replace(terms, centres=centres, label_centres=label_centres))
        solution = solve(problem, tolerance, solution.duals)
        moments = _moments(histogram, problem, solution)
    return Balanced(problem, solution, measures_of(moments, problem.terms.attributes))


def excess_AB(moments: Moments, terms: Terms) -> float:
    """By how much the worst AB is above its bound; 0 where none is."""
    found = measures_of(moments, terms.attributes).AB
    excess = np.nan_to_num(np.abs(found) - terms.tolerances.association, nan=0.0)
    return float(excess.max(initial=0.0))


def _moments(histogram: Histogram, problem: Problem, solution: Solution) -> Moments:
    """Those of the corpus under the solution's weights; means, where the patterns are a sample."""
    found = Moments.of_corpus(histogram, problem.terms.attributes, solution.q)
    if problem.surplus is None:
        return found
    return found.over(histogram.samples).plus(problem.surplus)


def _scaled(duals: Duals, times: float, V: float) -> Duals:
    """Duals for another rate: where no weight reaches Q, weights and prices grow with the rate."""
    return Duals(
        duals.mu * times,
        np.minimum(duals.representation * times, V),
        np.minimum(duals.association * times, V),
        np.minimum(duals.skew * times, V),
    )


def terms_asked(histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance) -> Terms:
    """The terms of what is `asked`, associations linear around the shares of the corpus."""
    targets = targets_of(attributes, histogram.labels, asked)
    tolerances = Tolerances(targets.RB, targets.AB, targets.skew)
    centres = Moments.of_corpus(histogram, attributes).centres(attributes)
    return Terms(attributes, histogram.labels, tolerances, *centres, asked.rate, asked.Q, asked.V)
