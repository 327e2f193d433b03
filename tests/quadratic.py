"""The M4 problem as a plain quadratic program, for solvers that know nothing of it."""

from dataclasses import dataclass

import clarabel
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.m4.problem import Problem

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class QuadraticProgram:
    """minimise 1/2 x' H x + linear . x + constant over lower <= rows x <= upper.

    x is (q, xi, a, b): P weights, K violations, and the moments E[q A_k] and E[q B_k] of the m
    attributes, which keep the rows of associations sparse.
    """

    hessian: sp.csc_matrix
    linear: Vector
    constant: float
    rows: sp.csc_matrix
    lower: Vector
    upper: Vector
    patterns: int


def quadratic_program(problem: Problem, constants: Vector | float = 0.0) -> QuadraticProgram:
    """`problem`, its violations as slack variables, and `constants`, (K,), added to each."""
    terms, w = problem.terms, problem.probabilities
    wanted = terms.eta * problem.utility
    integrands, moments = _constraints(problem)
    (constraints, patterns), m = integrands.shape, terms.subjects
    at = problem.integrands[problem.group]
    extra = sp.csr_matrix(np.hstack([at.contrast, at.spread]).T)
    none, one = sp.csr_matrix((2 * m, constraints)), sp.identity(patterns)
    weigh, slack = sp.diags(w), sp.identity(constraints)
    rows = sp.vstack(
        [
            sp.hstack([sp.csr_matrix(w), sp.csr_matrix((1, constraints + 2 * m))]),
            sp.hstack([extra @ weigh, none, -sp.identity(2 * m)]),
            sp.hstack([integrands @ weigh, -slack, moments]),
            sp.hstack([sp.csr_matrix((constraints, patterns)), slack, none.T]),
            sp.hstack([one, sp.csr_matrix((patterns, constraints + 2 * m))]),
        ],
        format="csc",
    )
    equal = np.append(terms.eta, np.zeros(2 * m))
    lower = [equal, np.full(constraints, -np.inf), np.zeros(constraints + patterns)]
    upper = [equal, np.zeros(constraints) - constants, np.full(constraints, np.inf)]
    upper.append(np.full(patterns, terms.Q))
    zeros = sp.csc_matrix((constraints + 2 * m, constraints + 2 * m))
    return QuadraticProgram(
        sp.block_diag([weigh, zeros], format="csc"),
        np.concatenate([-w * wanted, np.full(constraints, terms.V), np.zeros(2 * m)]),
        float(w @ wanted**2) / 2,
        rows,
        np.concatenate(lower),
        np.concatenate(upper),
        patterns,
    )


def clarabel_optimum(
    problem: Problem,
    accuracy: float = 1e-10,
    seconds: float = 60.0,
    constants: Vector | float = 0.0,
) -> tuple[float, Vector]:
    """The optimal value and q (P,) by an interior point method.

    Raises RuntimeError where it does not get there.
    """
    program = quadratic_program(problem, constants)
    equal = program.lower == program.upper
    above = ~equal & np.isfinite(program.upper)
    below = ~equal & np.isfinite(program.lower)
    rows = program.rows.tocsr()
    stacked = sp.vstack([rows[equal], rows[above], -rows[below]], format="csc")
    bounds = np.concatenate([program.upper[equal], program.upper[above], -program.lower[below]])
    cones = [
        clarabel.ZeroConeT(int(equal.sum())),
        clarabel.NonnegativeConeT(int(above.sum() + below.sum())),
    ]
    chosen = clarabel.DefaultSettings()
    chosen.verbose, chosen.time_limit = False, seconds
    chosen.tol_gap_abs = chosen.tol_gap_rel = chosen.tol_feas = accuracy
    outcome = clarabel.DefaultSolver(
        program.hessian, program.linear, stacked, bounds, cones, chosen
    ).solve()
    if "Solved" not in str(outcome.status):
        raise RuntimeError(str(outcome.status))
    return outcome.obj_val + program.constant, np.array(outcome.x[: program.patterns])


def _constraints(problem: Problem) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """What multiplies w q, (K, P), and the moments a and b, (K, 2 m), in every constraint."""
    terms, labels = problem.terms, sp.csr_matrix(problem.y)
    at = problem.integrands[problem.group]
    m, c = at.share.shape[1], labels.shape[1]
    allowed = terms.tolerances

    def by_label(values: Vector) -> sp.csr_matrix:
        parts = [sp.csr_matrix((sp.diags(values[:, k]) @ labels).T) for k in range(m)]
        return sp.vstack(parts, format="csr")

    share, base = sp.csr_matrix(at.share.T), sp.csr_matrix(at.base.T)
    tolerated, contrast = sp.diags(allowed.representation) @ base, by_label(at.contrast)
    owner = np.repeat(np.arange(m), c)
    shape, every = (m * c, m), np.arange(m * c)
    centre = sp.csr_matrix((-terms.label_centres.ravel(), (every, owner)), shape)
    spread = sp.csr_matrix((-allowed.association.ravel(), (every, owner)), shape)
    rows = [share - tolerated, -share - tolerated, contrast, -contrast]
    moments = [sp.csr_matrix((2 * m, 2 * m))]
    moments += [sp.hstack([sign * centre, spread]) for sign in (1, -1)]
    if terms.bounds_skew:
        labelled = by_label(at.share)
        skewed = sp.diags(allowed.skew.ravel()) @ by_label(at.base)
        rows += [labelled - skewed, -labelled - skewed]
        moments.append(sp.csr_matrix((2 * m * c, 2 * m)))
    return sp.csr_matrix(sp.vstack(rows)), sp.csr_matrix(sp.vstack(moments))
