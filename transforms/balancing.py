"""From what is asked of a corpus, in the paper's measures, to the problem that meets it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from transforms.config import Balance
from transforms.histogram import Histogram
from transforms.m4 import Solution, solve
from transforms.measures import Measures, measure
from transforms.problem import Problem, problem_of
from transforms.schema import Attribute
from transforms.targets import targets_of
from transforms.terms import Terms, Tolerances, share_base

Vector = NDArray[np.float64]
_MAX_ROUNDS = 12
_MET = 1e-6
_SETTLED = 1e-9
_NEAR = 1e-4


@dataclass(frozen=True)
class Balanced:
    """A solved problem, and the measures of the corpus under its weights."""

    problem: Problem
    solution: Solution
    measures: Measures


def balance(histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance) -> Balanced:
    """The least change of `histogram` that meets what is `asked`, or comes nearest to it.

    Association bias is a ratio: its constraint is linear only around the shares that attributes and
    labels have among the kept samples, and those are known once the problem is solved. So problems
    are solved, each from the one before and around the shares that it gave, until AB is met. The
    error of each is of second order (transforms/terms.py), so that two or three mostly suffice.
    """
    targets = targets_of(attributes, histogram.labels, asked)
    before = np.ones(len(histogram))
    tolerances = Tolerances(targets.RB, targets.AB, targets.skew)
    terms = Terms(
        attributes,
        histogram.labels,
        tolerances,
        *centres_of(histogram, attributes, before),
        asked.eta,
        asked.Q,
        asked.V,
    )
    problem = problem_of(histogram, terms)
    solution = solve(problem)
    for _ in range(_MAX_ROUNDS):
        measures = measure(histogram, attributes, solution.q)
        excess = np.nan_to_num(np.abs(measures.AB) - targets.AB, nan=0.0)
        centres, label_centres = centres_of(histogram, attributes, solution.q)
        moved = np.abs(centres - problem.terms.centres).max()
        met = excess.max(initial=0.0) <= _MET
        if moved <= _SETTLED or (met and moved <= _NEAR):
            break
        terms = replace(terms, centres=centres, label_centres=label_centres)
        problem = problem.under(terms)
        solution = solve(problem, start=solution.duals)
    return Balanced(problem, solution, measure(histogram, attributes, solution.q))


def centres_of(
    histogram: Histogram, attributes: tuple[Attribute, ...], q: Vector
) -> tuple[Vector, Vector]:
    """Among those who take part in attribute k's association: k's share (m,), each label's (m, c).

    Where nobody takes part, the target and 0.
    """
    mass = histogram.counts * q
    shares = np.array([attribute.target for attribute in attributes])
    label_shares = np.zeros((len(attributes), len(histogram.labels)))
    for k in range(len(attributes)):
        among = mass * np.minimum(share_base(histogram.s, attributes, k), 1.0)
        if among.sum() > 0:
            shares[k] = mass @ histogram.s[:, k] / among.sum()
            label_shares[k] = among @ histogram.y / among.sum()
    return shares, label_shares
