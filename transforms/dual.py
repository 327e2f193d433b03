"""The dual of the M4 problem, evaluated exactly, with its certificate.

With mu eliminated (E[q] = eta), the dual d(v) = min_q 1/2 E[(q - eta u)^2] + v . E[q a] is concave
and once differentiable in v, its gradient is r = E[q a], and at every v in [0, V]

    primal(q) - d(v) = sum_i [V max(0, r_i) - v_i r_i],  every term >= 0,

which is the duality gap: a certificate that holds at any v, optimal or not.

Patterns meet the prices through the pairs (distinct s, label) that occur: v . a of a pattern is
the sum of its pairs' scores, and E[q a] is linear in the pairs' masses. Nothing of size P x K is
formed.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.problem import Problem

Vector = NDArray[np.float64]
_NEGLIGIBLE_MOVE = 0.01
_RATE_TOLERANCE = 1e-15
_MAX_RATE_STEPS = 200
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


@dataclass(frozen=True)
class Layout:
    """What the i-th price prices, each (K,): its sign, its attribute, its label (c: none), and
    the tolerance delta that a label skew subtracts per sample with the label.
    """

    sign: Vector
    attribute: NDArray[np.int64]
    label: NDArray[np.int64]
    tolerated: Vector

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """The layout of `problem.constraints`."""
        m, c = len(problem.attributes), len(problem.labels)
        side, attribute = np.indices((2, m)).reshape(2, -1)
        labelled = np.indices((2, m, c)).reshape(3, -1)
        kinds = 1 if problem.balance.delta is None else 2
        sides = np.concatenate([side, np.tile(labelled[0], kinds)])
        tolerated = np.zeros(len(sides))
        if problem.balance.delta is not None:
            tolerated[-2 * m * c :] = problem.balance.delta
        return cls(
            1.0 - 2.0 * sides,
            np.concatenate([attribute, np.tile(labelled[1], kinds)]),
            np.concatenate([np.full(2 * m, c), np.tile(labelled[2], kinds)]),
            tolerated,
        )


class Dual:
    """The dual function of a problem; prices and residuals are in the order of its constraints.

    A pair's label is c for the intercept, the pair that every pattern of a group has. A signed
    moment matrix is (m, c + 1): its last column belongs to the representation constraints.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.layout = Layout.of(problem)
        labels = problem.y.shape[1]
        keys = np.insert(
            np.repeat(problem.group, np.diff(problem.y.indptr)) * (labels + 1) + problem.y.indices,
            problem.y.indptr[1:],
            problem.group * (labels + 1) + labels,
        )
        pairs = pa.array(keys).dictionary_encode()
        self.pair_group, self.pair_label = np.divmod(pairs.dictionary.to_numpy(), labels + 1)
        starts = problem.y.indptr + np.arange(len(problem.y.indptr))
        self.occurs = sp.csr_array(
            (np.ones(len(keys)), pairs.indices.to_numpy(), starts.astype(np.int32)),
            (len(problem.probabilities), len(self.pair_group)),
        )
        self.wanted = problem.balance.eta * problem.utility

    def at(self, prices: Vector, mu: float = 0.0) -> Point:
        """The dual at `prices`; `mu` is where the search for the rate's multiplier starts."""
        mu, q = self.at_rate(self.wanted - self.occurs @ self.pair_scores(prices), mu)
        return self.certified(prices, mu, q, self.residuals(q))

    def certified(self, prices: Vector, mu: float, q: Vector, residuals: Vector) -> Point:
        """The point with its values and gap, relative to `scale`."""
        problem = self.problem
        moved = mean(problem.probabilities, (q - self.wanted) ** 2) / 2
        violated = problem.balance.V * np.maximum(residuals, 0.0)
        primal = moved + float(violated.sum())
        dual = min(moved + float((prices * residuals).sum()), primal)
        gap = float((violated - prices * residuals).sum()) / self.scale(primal)
        return Point(prices, mu, q, residuals, primal, dual, gap)

    def scale(self, primal: float) -> float:
        """What gaps are relative to: the primal value or, where next to nothing has to move, the
        cost of moving every weight by a hundredth of eta.
        """
        return max(primal, (_NEGLIGIBLE_MOVE * self.problem.balance.eta) ** 2 / 2)

    def pair_scores(self, prices: Vector) -> Vector:
        """Each pair's part of v . a, without the constants, which mu absorbs."""
        duals = self.problem.duals_of(prices, 0.0)
        by_label = duals.association[0] - duals.association[1] + duals.skew[0] - duals.skew[1]
        signed = np.column_stack([by_label, duals.representation[0] - duals.representation[1]])
        scores = np.zeros(len(self.pair_label))
        for k, row in enumerate(signed):
            scores += self.problem.deviations[self.pair_group, k] * row[self.pair_label]
        if self.problem.balance.delta is not None:
            skew = np.append(duals.skew.sum(axis=(0, 1)), 0.0)
            scores -= self.problem.balance.delta * skew[self.pair_label]
        return scores

    def residuals(self, q: Vector) -> Vector:
        """r = E[q a]."""
        mass = (self.problem.probabilities * q) @ self.occurs
        return self.problem.expected_biases(self.moments(mass, 1), self.label_mass(mass))

    def moments(self, mass: Vector, power: int) -> Vector:
        """Sums over pairs of mass D_k^power by label, (m, c + 1)."""
        deviation = self.problem.deviations**power
        columns = self.problem.y.shape[1] + 1
        return np.stack(
            [
                np.bincount(self.pair_label, mass * deviation[self.pair_group, k], columns)
                for k in range(deviation.shape[1])
            ]
        )

    def label_mass(self, mass: Vector) -> Vector:
        """The mass of each label, then of everything, (c + 1,)."""
        columns = self.problem.y.shape[1] + 1
        return np.asarray(np.bincount(self.pair_label, mass, columns), dtype=np.float64)

    def spread(self) -> Vector:
        """The root mean square of each a_i at q = 1, tolerances of constant size apart, (K,).

        It is 0 where no sample supports the constraint.
        """
        mass = self.problem.probabilities @ self.occurs
        second = self.moments(mass, 2)
        plain = np.stack([second, second])
        parts: list[Vector] = [plain[:, :, -1], plain[:, :, :-1]]
        if self.problem.balance.delta is not None:
            tolerated = self.problem.balance.delta**2 * self.label_mass(mass)[:-1]
            parts.append(np.where(plain[:, :, :-1] > 0, plain[:, :, :-1] + tolerated, 0.0))
        return np.asarray(np.sqrt(np.concatenate([part.ravel() for part in parts])))

    def at_rate(self, free: Vector, mu: float) -> tuple[float, Vector]:
        """mu and q = clip(free - mu, 0, Q) with E[q] = eta to rounding.

        E[q] is monotone and piecewise linear in mu, so that Newton's last step is exact; where it
        does not halve the error, or leaves the bracket, the bracket is halved. Where eta = Q every
        weight is Q, and mu is any that says so in spite of rounding.
        """
        balance, probabilities = self.problem.balance, self.problem.probabilities
        low, high = float(free.min()) - balance.Q, float(free.max())
        if balance.eta == balance.Q:
            mu = low - _MARGIN * (1 + abs(low))
            return mu, np.clip(free - mu, 0.0, balance.Q)
        mu, before = min(max(mu, low), high), np.inf
        for _ in range(_MAX_RATE_STEPS):
            q = np.clip(free - mu, 0.0, balance.Q)
            excess = mean(probabilities, q) - balance.eta
            if abs(excess) <= _RATE_TOLERANCE * max(balance.eta, abs(mu)):
                break
            low, high = (mu, high) if excess > 0 else (low, mu)
            slope = mean(probabilities, (q > 0) & (q < balance.Q))
            newton = mu + excess / slope if slope > 0 else np.inf
            progress = abs(excess) < before / 2 and low < newton < high
            mu, before = newton if progress else (low + high) / 2, abs(excess)
        return mu, q
