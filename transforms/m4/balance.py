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
from transforms.m4.targets import generation_targets, targets_of
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

    union are the measures of the same and of what was written before, if anything was, together.
    """

    problem: Problem
    solution: Solution
    measures: Measures
    union: Measures
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
        terms = self.problem.terms
        asked, found = terms.tolerances, (self.union, self.measures)[: terms.scopes]
        excesses = (
            np.concatenate([one.RB for one in found]) - asked.representation,
            np.abs(np.concatenate([one.AB for one in found])) - asked.association,
            np.abs(np.concatenate([one.skew for one in found])) - asked.skew,
        )
        above = excesses_of_shares(self.union, terms.shares, terms.attributes, terms.labels)
        largest = max(np.nan_to_num(one).max(initial=0.0) for one in (*excesses, above))
        return not self.solution.missed and bool(largest <= _ATTAINED)


def balance(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    start: Balanced | None = None,
    written: Moments | None = None,
) -> Balanced:
    """The least change of `histogram` that meets what is `asked`, or comes nearest to it.

    Where something was `written` before (its moments, summed), what is asked is of the union.

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
        found = _balanced(histogram, attributes, asked, start, written)
        ranks = Ranks.of(asked, found.problem.terms)

        def certified(tried: Balanced) -> bool:
            return tried.uncertified(len(ranks.open)) is None

        return _raised(histogram, found, ranks, certified, exact=True)


def attempt(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    start: Balanced | None = None,
    written: Moments | None = None,
) -> Balanced:
    """Whether what is `asked` can be met: as `balance` with V left open, but where something is
    missed, any proof of that is enough.
    """
    with one_thread():
        asked = asked.model_copy(update={"V": AUTO, "priority": ()})
        found = _balanced(histogram, attributes, asked, start, written)
        ranks = Ranks.of(asked, found.problem.terms)
        return _raised(histogram, found, ranks, lambda tried: tried.proven, exact=False)


def _balanced(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    start: Balanced | None,
    written: Moments | None,
) -> Balanced:
    terms = terms_asked(histogram, attributes, asked, written)
    if start is None:
        return settled(histogram, problem_of(histogram, terms, written))
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
    moments, samples = _moments(histogram, problem, solution)
    for _ in range(_MAX_ROUNDS):
        around = problem.around(moments, samples)
        moved = np.abs(around.centres - problem.terms.centres).max()
        done = excess_AB(problem, moments, samples) <= MET or bool(solution.missed)
        if moved <= _SETTLED or (done and moved <= _NEAR):
            break
        problem = problem.under(around)
        solution = solve(problem, tolerance, solution.duals)
        moments, samples = _moments(histogram, problem, solution)
    attributes, union = problem.terms.attributes, problem.union(moments, samples)
    measures = measures_of(moments, attributes), measures_of(union, attributes)
    return Balanced(problem, solution, *measures)


def excess_AB(problem: Problem, moments: Moments, samples: float) -> float:
    """By how much the worst AB is above its bound, by the moments of a corpus of so many samples
    under weights; 0 where none is.
    """
    terms = problem.terms
    held = [problem.union(moments, samples), moments][: terms.scopes]
    found = np.concatenate([measures_of(one, terms.attributes).AB for one in held])
    excess = np.nan_to_num(np.abs(found) - terms.tolerances.association, nan=0.0)
    return float(excess.max(initial=0.0))


def _moments(histogram: Histogram, problem: Problem, solution: Solution) -> tuple[Moments, float]:
    """Those of the corpus under the solution's weights, and the number of samples that they are
    summed over: means, over 1, where the patterns are a sample.
    """
    found = Moments.of_corpus(histogram, problem.terms.attributes, solution.q)
    if problem.surplus is None:
        return found, histogram.samples
    return found.over(histogram.samples).plus(problem.surplus), 1.0


def _scaled(duals: Duals, times: float, terms: Terms) -> Duals:
    """Duals for another rate: where no weight reaches Q, weights and prices grow with the rate."""
    scaled = {
        kind: np.minimum(prices * times, terms.V_of(kind)) for kind, prices in duals.by_kind.items()
    }
    return Duals(duals.mu * times, **scaled)


def terms_asked(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    written: Moments | None = None,
) -> Terms:
    """The terms of what is `asked`, associations linear around the shares of the corpus, or of all
    that is written if it is thinned to the rate alike.
    """
    bounds = [targets_of(attributes, histogram.labels, asked)]
    of_generation = generation_targets(attributes, histogram.labels, asked)
    bounds += [of_generation] if of_generation else []
    corpus = Moments.of_corpus(histogram, attributes)
    union = corpus if written is None else corpus.times(asked.rate).plus(written)
    centres = [found.centres(attributes) for found in (union, corpus)[: len(bounds)]]
    tolerances = [(one.RB, one.AB, one.skew) for one in bounds]
    V, other_V = prices_asked(asked, _first_V(histogram))
    return Terms(
        attributes,
        histogram.labels,
        Tolerances(*map(np.concatenate, zip(*tolerances, strict=True))),
        np.concatenate([shares for shares, _ in centres]),
        np.concatenate([label_shares for _, label_shares in centres]),
        asked.rate,
        asked.Q,
        V,
        other_V,
        asked.shares,
        of_generation is not None,
    )
