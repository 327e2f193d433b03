"""The linear programs behind M4's constraints, solved by HiGHS."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from tests.problems import dense_constraints
from transforms.m4.constraints import ConstraintTable
from transforms.m4.problem import Problem
from transforms.m4.terms import VACUOUS

Vector = NDArray[np.float64]


def asked_constraints(problem: Problem) -> NDArray[np.bool_]:
    """Which constraints ask for something, (K,)."""
    return np.asarray(ConstraintTable.of(problem.terms).tolerance < VACUOUS)


def weighted_constraints(problem: Problem) -> NDArray[np.float64]:
    """p a_i of every pattern, (P, number asked), of the constraints that ask for something."""
    asked = asked_constraints(problem)
    return problem.probabilities[:, None] * dense_constraints(problem)[:, asked]


def largest_rate(problem: Problem, constants: Vector | None = None) -> float:
    """max E[q] over 0 <= q <= Q, E[q a] + constants <= 0; nan where nothing meets that."""
    weighted = weighted_constraints(problem)
    solved = linprog(
        -problem.probabilities,
        A_ub=weighted.T,
        b_ub=-_asked(problem, constants),
        bounds=(0, problem.terms.Q),
    )
    return float("nan") if solved.fun is None else float(-solved.fun)


def least_excess_at_any_rate(problem: Problem, constants: Vector) -> float:
    """min sum_i max(0, E[q a_i] + constant) over 0 <= q <= Q."""
    weighted = weighted_constraints(problem)
    patterns, asked = weighted.shape
    solved = linprog(
        np.concatenate([np.zeros(patterns), np.ones(asked)]),
        A_ub=np.hstack([weighted.T, -np.eye(asked)]),
        b_ub=-_asked(problem, constants),
        bounds=[(0, problem.terms.Q)] * patterns + [(0, None)] * asked,
    )
    return float(solved.fun)


def _asked(problem: Problem, constants: Vector | None) -> Vector:
    asked = asked_constraints(problem)
    return np.zeros(int(asked.sum())) if constants is None else constants[asked]


def least_excess(
    problem: Problem, names: Collection[str] | None = None, constants: Vector | None = None
) -> float:
    """min sum_i max(0, E[q a_i] + constant) over 0 <= q <= Q, E[q] = eta; of the constraints
    `names` alone, which have none.
    """
    weighted = weighted_constraints(problem)
    if names is not None:
        chosen = [constraint.name in names for constraint in problem.constraints]
        weighted = problem.probabilities[:, None] * dense_constraints(problem)[:, chosen]
    patterns, asked = weighted.shape
    solved = linprog(
        np.concatenate([np.zeros(patterns), np.ones(asked)]),
        A_ub=np.hstack([weighted.T, -np.eye(asked)]),
        b_ub=np.zeros(asked) if names is not None else -_asked(problem, constants),
        A_eq=np.concatenate([problem.probabilities, np.zeros(asked)])[None],
        b_eq=[problem.terms.eta],
        bounds=[(0, problem.terms.Q)] * patterns + [(0, None)] * asked,
    )
    return float(solved.fun)


def least_excesses(problem: Problem, ranks: Sequence[tuple[str, ...]]) -> list[float]:
    """Of each rank of kinds the least total excess, given that of those before it."""
    a = weighted_constraints(problem)
    patterns, asked = a.shape
    kinds = [problem.constraints[i].kind for i in np.flatnonzero(asked_constraints(problem))]
    totals = [np.array([float(kind in rank) for kind in kinds]) for rank in ranks]
    limits: list[NDArray[np.float64]] = []
    found: list[float] = []
    for total in totals:
        solved = linprog(
            np.concatenate([np.zeros(patterns), total]),
            A_ub=np.vstack(
                [
                    np.hstack([a.T, -np.eye(asked)]),
                    *(np.concatenate([np.zeros(patterns), limit])[None] for limit in limits),
                ]
            ),
            b_ub=np.concatenate([np.zeros(asked), np.array(found) + 1e-10]),
            A_eq=np.concatenate([problem.probabilities, np.zeros(asked)])[None],
            b_eq=[problem.terms.eta],
            bounds=[(0, problem.terms.Q)] * patterns + [(0, None)] * asked,
        )
        limits.append(total)
        found.append(float(solved.fun))
    return found
