"""The fewest samples that would make a problem attainable: a linear program.

Let x be the kept mass of each pattern and n_j the samples added of each candidate, Q copies of all
of them kept, as shares of the corpus:

    minimise    sum n_j + W sum e_i
    over        0 <= x <= Q p,  n >= 0,  e >= 0
    with        sum_p x_p a_i(p) + Q sum_j n_j a_i(j) + w_i <= e_i    for every constraint i
                sum_p x_p + (Q - eta) sum_j n_j = eta

where w is what was written before (transforms/m4/problem.py), and e what candidates cannot mend, at
a price W too high to be paid for anything else. Whatever its prices v and t are, with b = v . a of
a pattern or candidate at least

    (eta t + Q E[min(0, b - t)] + v . w) / max_j (Q (t - b_j) - eta t)

are missing, by duality. Patterns are kept whole where b < t and dropped where b > t, so that those
on the same side can be one in the program. They are taken together by their scores at prices at
hand; a group that is on both sides at the prices found is parted and the program solved again,
until the bound says that more parting would help no more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import linprog

from transforms.m4.dual import Dual
from transforms.m4.problem import Problem
from transforms.m4.shortfall import scaled_scores
from transforms.m4.terms import VACUOUS, integrands_of
from transforms.m4.weights import bias_scores

Flags = NDArray[np.bool_]
Vector = NDArray[np.float64]
Groups = NDArray[np.int64]
_UNMENDED = 1e4
_MENDED = 1e-6
_GROUPS = 2000
_ROUNDS = 6
_CLOSE = 5e-3


@dataclass(frozen=True)
class FewestSamples:
    """Samples to add of each candidate, (n,), over those of the corpus; no fewer than `least` are
    enough in total. mends: whether these are. groups: of which group each pattern was, (P,).
    """

    added: Vector
    least: float
    mends: bool
    groups: Groups


@dataclass(frozen=True)
class _Program:
    """The program of a problem: its constraints' integrands of candidates, (K, n)."""

    problem: Problem
    dual: Dual
    units: Vector
    of_candidates: Vector

    @classmethod
    def of(cls, problem: Problem, s: Flags, y: Flags) -> Self:
        dual = Dual(problem)
        units = np.eye(len(dual.table.tolerance))[dual.table.tolerance < VACUOUS]
        integrands, labels = integrands_of(s, problem.terms), sp.csr_array(y.astype(float))
        columns = [
            bias_scores(integrands, labels, problem.duals_of(unit, 0.0), problem.terms)
            for unit in units
        ]
        return cls(problem, dual, units, np.array(columns))

    def solved(self, group: Groups) -> tuple[FewestSamples, NDArray[np.bool_]]:
        """The solution with patterns taken together, and which of them are kept at its prices."""
        terms = self.problem.terms
        masses, of_patterns = self._grouped(group)
        P, (K, n) = len(masses), self.of_candidates.shape
        upper = np.concatenate([terms.Q * masses, np.full(n + K, np.inf)])
        found = linprog(
            np.concatenate([np.zeros(P), np.ones(n), np.full(K, _UNMENDED)]),
            A_ub=np.hstack([of_patterns, terms.Q * self.of_candidates, -np.eye(K)]),
            b_ub=-self._written,
            A_eq=np.concatenate([np.ones(P), np.full(n, terms.Q - terms.eta), np.zeros(K)])[None],
            b_eq=[terms.eta],
            bounds=np.column_stack([np.zeros_like(upper), upper]),
            method="highs-ds",
            options={"presolve": False},
        )
        if found.x is None:
            return FewestSamples(np.zeros(n), 0.0, False, group), np.zeros(len(group), np.bool_)
        prices = np.maximum(-found.ineqlin.marginals, 0.0)
        t, b = float(found.eqlin.marginals[0]), self.dual.scores(prices @ self.units)
        added, unmended = np.asarray(found.x[P : P + n]), float(found.x[P + n :].sum())
        least, mends = self._least(prices, b, t), unmended <= _MENDED
        return FewestSamples(added, least, mends, group), b < t

    @property
    def _written(self) -> Vector:
        """w of the constraints that ask for something."""
        written = np.broadcast_to(self.problem.written_biases, self.units.shape[1])
        return np.asarray(self.units @ written)

    def _grouped(self, group: Groups) -> tuple[Vector, Vector]:
        """The masses of groups of patterns, (G,), and the means of their integrands, (K, G); none
        of a group that is empty.
        """
        p = self.problem.probabilities
        masses: Vector = np.bincount(group, p).astype(np.float64)
        sums = np.array([np.bincount(group, p * self.dual.scores(unit)) for unit in self.units])
        some = masses > 0
        return masses[some], sums[:, some] / masses[some]

    def _least(self, prices: Vector, b: Vector, t: float) -> float:
        p, terms = self.problem.probabilities, self.problem.terms
        kept = terms.Q * float(np.sum(p * np.minimum(b - t, 0.0)))
        short = terms.eta * t + kept + float(prices @ self._written)
        mended = terms.Q * (t - prices @ self.of_candidates) - terms.eta * t
        most = float(mended.max(initial=0.0))
        return short / most if short > 0 and most > 0 else 0.0


def fewest_samples(
    problem: Problem, groups: Groups, s: Flags, y: Flags, check: Callable[[], None]
) -> FewestSamples:
    """What to add of candidates of attributes s, (n, m), and labels y, (n, c).

    groups, (P,), say which patterns are taken together at first. `check` is called before each
    program is solved, and may end it by an error.
    """
    program = _Program.of(problem, s, y)
    for _ in range(_ROUNDS):
        check()
        found, kept = program.solved(groups)
        if found.added.sum() - found.least <= _CLOSE * found.least:
            break
        groups = np.unique(2 * groups + kept, return_inverse=True)[1]
    return found


def groups_by_score(problem: Problem, prices: Vector) -> Groups:
    """Groups of patterns whose scores at these prices, (K,), are alike, about as large each."""
    order = np.argsort(scaled_scores(problem, prices), kind="stable")
    groups = np.empty(len(order), np.int64)
    groups[order] = np.arange(len(order)) * min(_GROUPS, len(order)) // len(order)
    return groups
