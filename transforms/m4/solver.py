"""Multi-Modal Moment Matching, solved exactly on the histogram.

Source of the problem: Alabdulmohsin et al., "CLIP the Bias", ICLR 2024 (arXiv 2403.04547), which
solves it by stochastic dual updates (transforms/baselines/stochastic.py). Here the dual is
maximised to a certified gap: L-BFGS-B comes near, Newton steps on the active prices finish.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.base.blas import one_thread
from transforms.m4.constraints import REPRESENTATION, SHARE, Constraint
from transforms.m4.dual import Dual, Point, mean
from transforms.m4.maximise import ascend
from transforms.m4.problem import Problem
from transforms.m4.terms import VACUOUS
from transforms.m4.weights import Duals, bias_scores, clipped

Vector = NDArray[np.float64]
_MET = 1e-6
_NOBODY = 1e-9
_PATTERNS_AT_ONCE = 1 << 17


@dataclass(frozen=True, slots=True)
class PricedConstraint:
    """One constraint at the solution.

    slack is E[q a], above 0 where violated. A constraint is met unless slack is above 10^-6 of the
    spread of a, or it bounds a share of nobody; it is dropped (price 0) where no sample supports
    it. Where samples that were written before do, and none that is weighed, 10^-6 is of these.
    """

    constraint: Constraint
    slack: float
    price: float
    met: bool
    dropped: bool


@dataclass(frozen=True)
class Solution:
    """The solved problem and its certificate.

    q is float64 (P,). dual <= optimum <= primal, both in the objective's units; gap is relative to
    primal (see `Dual.scale`). violation is the largest max(0, E[q a]), rate is E[q].
    utility_error_bound bounds what binning the utility can change in the optimum.
    """

    duals: Duals
    q: Vector
    primal: float
    dual: float
    gap: float
    violation: float
    rate: float
    constraints: tuple[PricedConstraint, ...]
    utility_error_bound: float
    iterations: int

    @property
    def missed(self) -> tuple[str, ...]:
        """The names of the constraints that these weights do not meet, dearest first."""
        return _dearest_first(row for row in self.constraints if not row.met)

    @property
    def priced(self) -> tuple[str, ...]:
        """The names of the constraints that have a price, dearest first."""
        return _dearest_first(row for row in self.constraints if row.price > 0)

    @property
    def excess(self) -> float:
        """By how much constraints are violated in total, sum_i max(0, E[q a_i])."""
        return float(sum(max(row.slack, 0.0) for row in self.constraints))

    @property
    def dropped(self) -> tuple[str, ...]:
        """The names of the constraints that no sample supports."""
        return tuple(row.constraint.name for row in self.constraints if row.dropped)


def _dearest_first(rows: Iterable[PricedConstraint]) -> tuple[str, ...]:
    ordered = sorted(rows, key=lambda row: (-row.price, -row.slack))
    return tuple(row.constraint.name for row in ordered)


def solve(problem: Problem, tolerance: float = 1e-6, start: Duals | None = None) -> Solution:
    """The solution of `problem`, to a relative gap of `tolerance` where it is well scaled.

    `start` is the solution of a problem much like it on the same corpus, if there is one.
    """
    with one_thread():
        dual = Dual(problem)
        spread = dual.spread(problem.probabilities)
        prices = np.zeros(len(spread)) if start is None else problem.vector_of(start)
        point, iterations = ascend(dual, spread, tolerance, prices)
        return _solution(dual, spread, point.prices, iterations)


def _solution(dual: Dual, spread: Vector, prices: Vector, iterations: int) -> Solution:
    """The solution at `prices`, its weights by the very operations that every worker uses."""
    problem, terms = dual.problem, dual.problem.terms
    scores = scores_of(problem, prices)
    mu, _ = dual.at_rate(terms.eta * problem.utility - scores, 0.0)
    q = clipped(problem.utility, scores, mu, terms)
    point = dual.certified(prices, mu, q, dual.residuals(q))
    dropped = (spread == 0) & (problem.written_bases == 0)
    probabilities = problem.probabilities
    base, kept = (
        dual.moments(dual.pairs.over_pairs(mass), 1).base[-1]
        for mass in (probabilities, probabilities * q)
    )
    rows = priced(problem, point, spread, of_nobody(dual, base, kept), dropped)
    return Solution(
        problem.duals_of(prices, mu),
        q,
        point.primal,
        point.dual,
        point.gap,
        float(point.residuals.max(initial=0.0)),
        mean(probabilities, q),
        rows,
        problem.utility_error_bound,
        iterations,
    )


def priced(
    problem: Problem,
    point: Point,
    spread: Vector,
    emptied: NDArray[np.bool_],
    dropped: NDArray[np.bool_],
) -> tuple[PricedConstraint, ...]:
    """The constraints at a point; spread, emptied and dropped are (K,)."""
    sizes = np.where(spread > 0, spread, problem.written_bases)
    met = (point.residuals <= _MET * sizes) & ~emptied
    rows = zip(
        problem.constraints,
        point.residuals.tolist(),
        point.prices.tolist(),
        (met | dropped).tolist(),
        dropped.tolist(),
        strict=True,
    )
    return tuple(PricedConstraint(*row) for row in rows)


def of_nobody(dual: Dual, base: Vector, kept: Vector) -> NDArray[np.bool_]:
    """Which constraints, (K,), are on a share of nobody: of a group whose samples all have q = 0,
    and of which nothing was written.

    base is what the share of each of m' subjects is taken of, kept the same under the weights; what
    follows them is of everybody. Every bound on such a share holds, and none is met.
    """
    table = dual.table
    empty = np.append((base > 0) & (kept <= _NOBODY * base), False)
    asked = np.isin(table.kind, (REPRESENTATION, SHARE)) & (table.tolerance < VACUOUS)
    return np.asarray(asked & empty[table.attribute] & (dual.problem.written_bases == 0))


def scores_of(problem: Problem, prices: Vector) -> Vector:
    """v . a of every pattern, float64 (P,), for prices v in the order of `problem.constraints`."""
    duals = problem.duals_of(prices, 0.0)
    blocks = [
        slice(start, start + _PATTERNS_AT_ONCE)
        for start in range(0, len(problem.group), _PATTERNS_AT_ONCE)
    ]
    return np.concatenate(
        [
            bias_scores(
                problem.integrands[problem.group[rows]], problem.y[rows], duals, problem.terms
            )
            for rows in blocks
        ]
    )
