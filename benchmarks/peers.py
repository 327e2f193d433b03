"""Other solvers of the same problem: each takes a problem and seconds, and gives weights q (P,)."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import cvxpy
import highspy
import numpy as np
import osqp
import piqp
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, minimize

from tests.problems import dense_constraints
from tests.quadratic import clarabel_optimum, quadratic_program
from transforms.baselines.stochastic import stochastic_duals
from transforms.m4.dual import Dual
from transforms.m4.problem import Problem

Vector = NDArray[np.float64]
Peer = Callable[[Problem, float], Vector]
_ACCURACY = 1e-7
_BATCHES = 1000


def by_clarabel(problem: Problem, seconds: float) -> Vector:
    """Clarabel, natively."""
    return clarabel_optimum(problem, _ACCURACY, seconds)[1]


def by_osqp(problem: Problem, seconds: float) -> Vector:
    """OSQP, natively."""
    program = quadratic_program(problem)
    solver = osqp.OSQP()
    solver.setup(
        program.hessian,
        program.linear,
        program.rows,
        program.lower,
        program.upper,
        eps_abs=_ACCURACY,
        eps_rel=_ACCURACY,
        max_iter=10_000_000,
        time_limit=seconds,
        verbose=False,
    )
    return np.asarray(solver.solve(raise_error=False).x[: program.patterns])


def by_piqp(problem: Problem, seconds: float) -> Vector:
    """PIQP, natively; it has no time limit of its own."""
    program = quadratic_program(problem)
    equal = program.lower == program.upper
    rows = program.rows.tocsr()
    solver = piqp.SparseSolver()
    solver.settings.eps_abs = solver.settings.eps_rel = _ACCURACY
    solver.settings.max_iter = 1000
    solver.setup(
        program.hessian,
        program.linear,
        sp.csc_matrix(rows[equal]),
        program.upper[equal],
        sp.csc_matrix(rows[~equal]),
        program.lower[~equal],
        program.upper[~equal],
    )
    solver.solve()
    return np.asarray(solver.result.x[: program.patterns])


def by_highs(problem: Problem, seconds: float) -> Vector:
    """HiGHS, natively: its active set method for quadratic programs."""
    program = quadratic_program(problem)
    columns = len(program.linear)
    model = highspy.HighsModel()
    lp, hessian = model.lp_, model.hessian_
    lp.num_col_, lp.num_row_ = columns, len(program.lower)
    lp.col_cost_ = program.linear
    lp.col_lower_, lp.col_upper_ = np.full(columns, -np.inf), np.full(columns, np.inf)
    lp.row_lower_, lp.row_upper_ = program.lower, program.upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = program.rows.indptr, program.rows.indices
    lp.a_matrix_.value_ = program.rows.data
    hessian.dim_, hessian.format_ = columns, highspy.HessianFormat.kTriangular
    hessian.start_, hessian.index_ = program.hessian.indptr, program.hessian.indices
    hessian.value_ = program.hessian.data
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("time_limit", seconds)
    solver.passModel(model)
    solver.run()
    return np.asarray(solver.getSolution().col_value[: program.patterns])


def by_cvxpy(problem: Problem, seconds: float) -> Vector:
    """Clarabel through cvxpy, modelling included."""
    program = quadratic_program(problem)
    x = cvxpy.Variable(len(program.linear))
    equal = program.lower == program.upper
    above = ~equal & np.isfinite(program.upper)
    below = ~equal & np.isfinite(program.lower)
    rows = program.rows.tocsr()
    root = sp.diags(np.sqrt(program.hessian.diagonal()))
    objective = cvxpy.Minimize(cvxpy.sum_squares(root @ x) / 2 + program.linear @ x)
    constraints = [
        rows[equal] @ x == program.upper[equal],
        rows[above] @ x <= program.upper[above],
        rows[below] @ x >= program.lower[below],
    ]
    cvxpy.Problem(objective, constraints).solve(
        solver="CLARABEL", time_limit=seconds, tol_gap_rel=_ACCURACY, tol_feas=_ACCURACY
    )
    return np.asarray(x.value[: program.patterns])


def by_scipy(problem: Problem, seconds: float) -> Vector:
    """scipy's SLSQP on the primal with violations as slack variables, dense."""
    a, w, terms = dense_constraints(problem).T, problem.probabilities, problem.terms
    (constraints, patterns), wanted = a.shape, terms.eta * problem.utility
    rows = np.vstack(
        [
            np.hstack([w[None], np.zeros((1, constraints))]),
            np.hstack([a * w, -np.eye(constraints)]),
        ]
    )
    low = np.append(terms.eta, np.full(constraints, -np.inf))
    high = np.append(terms.eta, np.zeros(constraints))
    deadline = time.perf_counter() + seconds

    def value(x: Vector) -> tuple[float, Vector]:
        if time.perf_counter() > deadline:
            raise TimeoutError
        moved = x[:patterns] - wanted
        slope = np.concatenate([w * moved, np.full(constraints, terms.V)])
        return float(w @ moved**2 / 2 + terms.V * x[patterns:].sum()), slope

    bounds = [(0.0, terms.Q)] * patterns + [(0.0, None)] * constraints
    start = np.concatenate([np.full(patterns, terms.eta), np.zeros(constraints)])
    options: dict[str, Any] = {"maxiter": 1000, "ftol": 1e-12}
    found = minimize(
        value,
        start,
        jac=True,
        method="SLSQP",
        bounds=bounds,
        constraints=[
            LinearConstraint(rows[:1], low[:1], high[:1]),
            LinearConstraint(rows[1:], low[1:], high[1:]),
        ],
        options=options,
    )
    return np.asarray(found.x[:patterns])


def by_paper(problem: Problem, seconds: float) -> Vector:
    """The paper's stochastic updates, for as many batches as the seconds allow."""
    start = time.perf_counter()
    stochastic_duals(problem, _BATCHES)
    each = (time.perf_counter() - start) / _BATCHES
    duals = stochastic_duals(problem, max(_BATCHES, int((seconds - each * _BATCHES) / each)))
    return Dual(problem).at(problem.vector_of(duals), duals.mu).q


PEERS: Mapping[str, Peer] = {
    "Clarabel": by_clarabel,
    "Clarabel by cvxpy": by_cvxpy,
    "OSQP": by_osqp,
    "PIQP": by_piqp,
    "HiGHS": by_highs,
    "SLSQP": by_scipy,
    "the paper's": by_paper,
}
