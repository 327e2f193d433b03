"""The linear programs behind M4's constraints, solved by HiGHS."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from tests.problems import dense_constraints
from transforms.m4.problem import Problem
from transforms.m4.terms import VACUOUS


def weighted_constraints(problem: Problem) -> NDArray[np.float64]:
    """p a_i of every pattern, (P, number asked), of the constraints that ask for something."""
    tolerances = problem.terms.tolerances
    allowed = {
        "representation": tolerances.representation,
        "association": tolerances.association,
        "skew": tolerances.skew,
    }
    asked = [np.max(allowed[row.kind], initial=0.0) < VACUOUS for row in problem.constraints]
    return problem.probabilities[:, None] * dense_constraints(problem)[:, asked]


def largest_rate(problem: Problem) -> float:
    """max E[q] over 0 <= q <= Q, E[q a] <= 0."""
    weighted = weighted_constraints(problem)
    solved = linprog(
        -problem.probabilities,
        A_ub=weighted.T,
        b_ub=np.zeros(weighted.shape[1]),
        bounds=(0, problem.terms.Q),
    )
    return float(-solved.fun)


def least_excess(problem: Problem, names: Collection[str] | None = None) -> float:
    """min sum_i max(0, E[q a_i]) over 0 <= q <= Q, E[q] = eta; of the constraints `names` alone."""
    weighted = weighted_constraints(problem)
    if names is not None:
        chosen = [constraint.name in names for constraint in problem.constraints]
        weighted = problem.probabilities[:, None] * dense_constraints(problem)[:, chosen]
    patterns, asked = weighted.shape
    solved = linprog(
        np.concatenate([np.zeros(patterns), np.ones(asked)]),
        A_ub=np.hstack([weighted.T, -np.eye(asked)]),
        b_ub=np.zeros(asked),
        A_eq=np.concatenate([problem.probabilities, np.zeros(asked)])[None],
        b_eq=[problem.terms.eta],
        bounds=[(0, problem.terms.Q)] * patterns + [(0, None)] * asked,
    )
    return float(solved.fun)
