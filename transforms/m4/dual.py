"""The dual of the M4 problem, evaluated exactly, with its certificate.

With mu eliminated (E[q] = eta), the dual d(v) = min_q 1/2 E[(q - eta u)^2] + v . E[q a] is concave
and once differentiable in v, its gradient is r = E[q a] (and w, what is written before, added:
transforms/m4/problem.py), and at every v in [0, V]

    primal(q) - d(v) = sum_i [V max(0, r_i) - v_i r_i],  every term >= 0,

which is the duality gap: a certificate that holds at any v, optimal or not.

Patterns meet the prices through the pairs (distinct s, label) that occur: v . a of a pattern is
the sum of its pairs' scores, and E[q a] is linear in the pairs' masses. Nothing of size P x K is
formed.
"""

from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from transforms.m4.constraints import SHARE, ConstraintTable, alike, flattened, largest_prices
from transforms.m4.kernels import (
    biases,
    coefficients,
    half_square_distance,
    label_moments,
    multiplier,
    pair_scores,
)
from transforms.m4.problem import Problem
from transforms.m4.terms import VACUOUS, Integrands

Vector = NDArray[np.float64]
_NEGLIGIBLE_MOVE = 0.01
_MARGIN = 1e-12


def mean(probabilities: Vector, values: NDArray[Any]) -> float:
    """E[values], summed pairwise: exact to the last digits, and on one thread."""
    return float(np.sum(probabilities * values))


@dataclass(frozen=True)
class Point:
    """The dual at prices v: mu, weights q (P,), residuals r = E[q a], values and relative gap."""

    prices: Vector
    mu: float
    q: Vector
    residuals: Vector
    primal: float
    dual: float
    gap: float


class Dual:
    """The dual function of a problem; prices and residuals are in the order of its constraints."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.table = ConstraintTable.of(problem.terms)
        self.most = largest_prices(problem.terms)
        self.pairs = problem.pairs
        at = problem.integrands
        m = int(at.share.shape[1])
        self.integrands = np.hstack([at.share, at.base, at.contrast, at.spread])
        self.labelled = (0, 3 * m) if problem.terms.bounds_skew else (2 * m, 3 * m)
        self.wanted = problem.terms.eta * problem.utility

    def among(self, patterns: NDArray[np.int64]) -> Self:
        """The same constraints over these patterns alone, for `scores`, `biases` and `spread`."""
        some = copy(self)
        some.pairs = self.pairs.among(patterns)
        return some

    def at(self, prices: Vector, mu: float = 0.0) -> Point:
        """The dual at `prices`; `mu` is where the search for the rate's multiplier starts."""
        mu, q = self.at_rate(self.wanted - self.scores(prices), mu)
        return self.certified(prices, mu, q, self.residuals(q))

    def certified(self, prices: Vector, mu: float, q: Vector, residuals: Vector) -> Point:
        """The point with its values and gap, relative to `scale`."""
        problem = self.problem
        moved = half_square_distance(problem.probabilities, q, self.wanted)
        violated = self.most * np.maximum(residuals, 0.0)
        primal = moved + float(violated.sum())
        dual = min(moved + float((prices * residuals).sum()), primal)
        gap = float((violated - prices * residuals).sum()) / self.scale(primal)
        return Point(prices, mu, q, residuals, primal, dual, gap)

    def scale(self, primal: float) -> float:
        """What gaps are relative to: the primal value or, where next to nothing has to move, the
        cost of moving every weight by a hundredth of eta.
        """
        return max(primal, (_NEGLIGIBLE_MOVE * self.problem.terms.eta) ** 2 / 2)

    def scores(self, prices: Vector) -> Vector:
        """v . a of each pattern, float64 (P,)."""
        return self.pairs.over_patterns(self.pair_scores(prices))

    def pair_scores(self, prices: Vector) -> Vector:
        """Each pair's part of v . a, float64 (J,)."""
        c, m = self.problem.y.shape[1], self.problem.integrands.share.shape[1]
        taken = coefficients(c, m, self.table, prices)
        label, group = self.pairs.label, self.pairs.group
        return np.asarray(pair_scores(*self.labelled, taken, self.integrands, label, group))

    def residuals(self, q: Vector) -> Vector:
        """r = E[q a]."""
        return self.biases(self.problem.probabilities * q) + self.problem.constant_biases

    def biases(self, masses: Vector) -> Vector:
        """The sum of each a over patterns of these masses, (P,): (K,)."""
        return np.asarray(biases(self._moments(self.pairs.over_pairs(masses), 1), self.table))

    def moments(self, mass: Vector, power: int) -> Integrands:
        """Sums over pairs of mass times each integrand's power, by label, (c + 1, m) each.

        By label only for the integrands that a constraint takes by label.
        """
        return Integrands(*np.hsplit(self._moments(mass, power), 4))

    def _moments(self, mass: Vector, power: int) -> Vector:
        pairs, integrands = self.pairs, self.integrands**power
        labels = self.problem.y.shape[1]
        return np.asarray(
            label_moments(*self.labelled, labels, integrands, mass, pairs.label, pairs.group)
        )

    def ceilings(self, spread: Vector) -> Vector:
        """The largest price of each constraint, (K,): 0 where nothing is asked or supported.

        What is written may miss what no sample supports: that has its price, and moves no weight.
        """
        written = self.problem.written is not None
        supported = (spread > 0) | (written and self.problem.constant_biases > 0)
        return np.where(supported & (self.table.tolerance < VACUOUS), self.most, 0.0)

    def spread(self, mass: Vector) -> Vector:
        """The root of the mean square of each a_i over patterns of `mass`, (P,): (K,).

        Tolerances of constant size apart. It is 0 where no sample supports the constraint.
        """
        second = self.moments(self.pairs.over_pairs(mass), 2)
        centres = self.problem.terms.label_centres
        m = len(centres)
        share, base, contrast = second.share.T[:m], second.base.T[:m], second.contrast.T[:m]
        centred = (1 - 2 * centres) * contrast[:, :-1] + centres**2 * contrast[:, -1:]
        supported = (contrast[:, :-1] > 0) | self._written_labels
        associated = np.where(supported, np.maximum(centred, 0.0), 0.0)
        allowed = self.problem.terms.tolerances.skew**2 * base[:, :-1]
        skewed = np.where(share[:, :-1] > 0, share[:, :-1] + allowed, 0.0)
        squares = flattened(
            {
                "representation": alike(share[:, -1]),
                "association": alike(associated),
                "skew": alike(skewed),
                "share": self._share_squares(second),
            },
            self.problem.terms,
        )
        return np.asarray(np.sqrt(squares))

    @cached_property
    def _written_labels(self) -> NDArray[np.bool_]:
        """Which labels were written among those who take part in associations, (m', c)."""
        terms, written = self.problem.terms, self.problem.written
        found = np.zeros((terms.subjects, len(terms.labels)), np.bool_)
        if written is not None:
            found[: len(terms.attributes)] = (written.s + written.o)[:, :-1] > 0
        return found

    def _share_squares(self, second: Integrands) -> Vector:
        """About the mean squares of the bounds on shares, (S,), of the integrands' own."""
        rows = self.table.some(np.flatnonzero(self.table.kind == SHARE))
        k, none, b = rows.attribute, self.problem.y.shape[1], rows.centre
        labelled, everybody = second.contrast[rows.label, k], second.contrast[none, k]
        of_labels = (1 - 2 * b) * labelled + b**2 * everybody
        of_attributes = second.share[none, k] + rows.tolerance**2 * second.base[none, k]
        return np.asarray(np.where(rows.associated, of_labels, of_attributes))

    def at_rate(self, free: Vector, mu: float) -> tuple[float, Vector]:
        """mu and q = clip(free - mu, 0, Q) with E[q] = eta to rounding.

        E[q] is monotone and piecewise linear in mu, so that Newton's last step is exact; where it
        does not halve the error, or leaves the bracket, the bracket is halved. Where eta = Q every
        weight is Q, and mu is any that says so in spite of rounding.
        """
        terms, probabilities = self.problem.terms, self.problem.probabilities
        if terms.eta == terms.Q:
            low = float(free.min()) - terms.Q
            mu = low - _MARGIN * (1 + abs(low))
        else:
            given = map(float, (mu, terms.eta, self.problem.rate, terms.Q))
            mu = multiplier(*given, probabilities, free)
        return mu, np.clip(free - mu, 0.0, terms.Q)
