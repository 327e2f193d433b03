"""From what is asked of a corpus, in the paper's measures, to the problem that meets it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from transforms.base.blas import one_thread
from transforms.config.schema import Attribute
from transforms.config.sections import AUTO, Balance
from transforms.m4.constraints import largest_prices
from transforms.m4.problem import Problem, problem_of
from transforms.m4.ranks import Ranks, prices_asked
from transforms.m4.shortfall import Proof, Ranked
from transforms.m4.solver import Solution, solve
from transforms.m4.targets import targets_of
from transforms.m4.terms import Terms, Tolerances
from transforms.m4.weights import Duals
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import Measures, excesses_of_shares, measures_of
from transforms.statistics.moments import Moments

_FIRST_V = 100.0
_MAX_ROUNDS = 12
_MOST_RAISES = 6
_LEAST_CERTIFIED = 1e-9
_GAP = 1e-6
MET = 1e-6
_SETTLED = 1e-9
_NEAR = 1e-4
_ATTAINED = 1e-5


@dataclass(frozen=True)
class Balanced:
    """A solved problem, the measures of the corpus under its weights, and what is proven of what
    they miss, by rank (see transforms/m4/shortfall.py).
    """

    problem: Problem
    solution: Solution
    measures: Measures
    proofs: tuple[Proof, ...] = ()

    @property
    def least_excess(self) -> float:
        """No weights of this rate have less in total; 0 where all is met or nothing is proven."""
        proven = max((proof.in_total for proof in self.proofs), default=0.0)
        return min(proven, self.solution.excess)

    @property
    def proven(self) -> bool:
        """Whether it is proven that not all constraints can be met at this rate."""
        return self.least_excess > _LEAST_CERTIFIED

    @property
    def certified(self) -> bool:
        """Whether all is met, or missed by no more than is proven to be missed at least."""
        return not self.solution.missed or self.uncertified(len(self.proofs)) is None

    def uncertified(self, ranks: int) -> int | None:
        """The first of so many ranks whose total excess is not proven to be the least."""
        proofs = enumerate(self.proofs[:ranks])
        return next((rank for rank, proof in proofs if not proof.certified), None)

    @property
    def attained(self) -> bool:
        """Whether everything asked for is met, by the problem and in the measures themselves."""
        terms, found = self.problem.terms, self.measures
        asked = terms.tolerances
        excesses = (
            found.RB - asked.representation,
            np.abs(found.AB) - asked.association,
            np.abs(found.skew) - asked.skew,
        )
        above = excesses_of_shares(found, terms.shares, terms.attributes, terms.labels)
        largest = max(np.nan_to_num(one).max(initial=0.0) for one in (*excesses, above))
        return not self.solution.missed and bool(largest <= _ATTAINED)


def balance(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    start: Balanced | None = None,
) -> Balanced:
    """The least change of `histogram` that meets what is `asked`, or comes nearest to it.

    Nearest is what has the least total excess, as far as V lets it; where V is left open, V is as
    high as it takes, and that it is the least is proven (`Balanced.certified`). `start` is what the
    same corpus gave for something much like it, if there is such. Raises ConfigError where the rate
    is left open (see `transforms.feasibility.rates`).

    Association bias is a ratio: its constraint is linear only around the shares that attributes and
    labels have among the kept samples, and those are known once the problem is solved. So problems
    are solved, each from the one before and around the shares that it gave, until AB is met. The
    error of each is of second order (transforms/m4/terms.py), so that two or three mostly suffice.
    Proofs are of the last of these linear constraints.
    """
    with one_thread():
        found = _balanced(histogram, attributes, asked, start)
        ranks = Ranks.of(asked, found.problem.terms)

        def certified(tried: Balanced) -> bool:
            return tried.uncertified(len(ranks.open)) is None

        return _raised(histogram, found, ranks, certified, exact=True)


def attempt(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    start: Balanced | None = None,
) -> Balanced:
    """Whether what is `asked` can be met: as `balance` with V left open, but where something is
    missed, any proof of that is enough.
    """
    with one_thread():
        asked = asked.model_copy(update={"V": AUTO, "priority": ()})
        found = _balanced(histogram, attributes, asked, start)
        ranks = Ranks.of(asked, found.problem.terms)
        return _raised(histogram, found, ranks, lambda tried: tried.proven, exact=False)


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
    duals = _scaled(start.solution.duals, terms.eta / near.eta, terms)
    return settled(histogram, start.problem.under(around), duals)


def _raised(
    histogram: Histogram,
    found: Balanced,
    ranks: Ranks,
    enough: Callable[[Balanced], bool],
    exact: bool,
) -> Balanced:
    """`found` at a V as high as it takes until all is met or what is missed is `enough`.

    Where not all is met, what comes first costs more, and V is raised for all that comes before
    what is not proven yet. exact: to a gap of 10^-6 of what the weights are moved by, not of what
    violations cost.
    """
    if found.solution.missed and len(ranks.open) > 1:
        found = settled(
            histogram, found.problem.under(ranks.apart(found.problem.terms)), found.solution.duals
        )
    before: Balanced | None = None
    for _ in range(_MOST_RAISES * len(ranks.open)):
        if not found.solution.missed:
            return found
        if exact and found.solution.gap > (tolerance := _exact_gap(found)):
            found = settled(histogram, found.problem, found.solution.duals, tolerance)
        found = _proven(found, ranks, before)
        if enough(found):
            return found
        first, before = found.uncertified(len(ranks.open)), found
        higher = found.problem.under(ranks.raised(found.problem.terms, first or 0))
        found = settled(histogram, higher, found.solution.duals)
    return _proven(found, ranks, before)


def _first_V(histogram: Histogram) -> float:
    """What is mostly enough where V is left open, in proportion to the utilities (their root mean
    square): prices are in the units of weights, which move by as much as utilities differ.
    """
    mean_square = float(histogram.counts @ histogram.utility**2) / max(histogram.samples, 1)
    return _FIRST_V * max(1.0, math.sqrt(mean_square))


def _exact_gap(found: Balanced) -> float:
    solution, most = found.solution, largest_prices(found.problem.terms)
    slack = np.array([row.slack for row in solution.constraints])
    moved = solution.primal - float((most * np.maximum(slack, 0.0)).sum())
    return _GAP * max(moved / solution.primal, _GAP)


def _proven(found: Balanced, ranks: Ranks, before: Balanced | None = None) -> Balanced:
    """`found` with what its prices prove, or their rise since a lower V, or what did before."""
    if not found.solution.missed:
        return found
    problem, ranked = found.problem, Ranked(found.problem, found.solution, ranks.all)
    prices, proofs = problem.vector_of(found.solution.duals), []
    for rank, kinds in enumerate(ranks.all):
        V = max(map(problem.terms.V_of, kinds))
        multipliers = [prices / V]
        if before is not None:
            multipliers.append(before.proofs[rank].multipliers)
            rise = prices - before.problem.vector_of(before.solution.duals)
            raised = V - max(map(before.problem.terms.V_of, kinds))
            multipliers += [rise / raised] if raised else []
        tried = [ranked.proof(rank, some) for some in multipliers]
        proofs.append(max(tried, key=lambda proof: proof.least))
    return replace(found, proofs=tuple(proofs))


def settled(
    histogram: Histogram, problem: Problem, start: Duals | None = None, tolerance: float = _GAP
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
        done = excess_AB(moments, terms) <= MET or bool(solution.missed)
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


def _scaled(duals: Duals, times: float, terms: Terms) -> Duals:
    """Duals for another rate: where no weight reaches Q, weights and prices grow with the rate."""
    scaled = {
        kind: np.minimum(prices * times, terms.V_of(kind)) for kind, prices in duals.by_kind.items()
    }
    return Duals(duals.mu * times, **scaled)


def terms_asked(histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance) -> Terms:
    """The terms of what is `asked`, associations linear around the shares of the corpus."""
    targets = targets_of(attributes, histogram.labels, asked)
    tolerances = Tolerances(targets.RB, targets.AB, targets.skew)
    centres = Moments.of_corpus(histogram, attributes).centres(attributes)
    V = prices_asked(asked, _first_V(histogram))
    shares = asked.shares
    return Terms(
        attributes, histogram.labels, tolerances, *centres, asked.rate, asked.Q, *V, shares
    )
