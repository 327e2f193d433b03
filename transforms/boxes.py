"""Small dense convex quadratics over a box."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Vector = NDArray[np.float64]
_MAX_STEPS = 60
_SHORTEST = 1e-10
_SUFFICIENT = 1e-4
_STATIONARY = 1e-12


def box_minimum(hessian: Vector, gradient: Vector, lower: Vector, upper: Vector) -> Vector:
    """The minimum of 1/2 x'Hx + g'x over lower <= x <= upper, H positive definite, (n, n).

    The box must hold 0, where the search starts. Projected Newton (Bertsekas, 1982): solve for the
    variables that no bound holds, and follow that step, cut to the box, as far as it descends. The
    value falls with every step, so that a search cut short still returns a descent.
    """
    x, slope = np.zeros_like(gradient), gradient
    for _ in range(_MAX_STEPS):
        free = np.flatnonzero(~((x <= lower) & (slope >= 0) | (x >= upper) & (slope <= 0)))
        if np.abs(slope[free]).max(initial=0.0) <= _STATIONARY * np.abs(gradient).max():
            break
        factor = cho_factor(hessian[np.ix_(free, free)], lower=True, check_finite=False)
        step = np.zeros_like(x)
        step[free] = -cho_solve(factor, slope[free], check_finite=False)
        length, descends = 1.0, False
        while not descends and length > _SHORTEST:
            ahead = np.clip(x + length * step, lower, upper)
            slope_ahead = hessian @ ahead + gradient
            change = float((ahead - x) @ (slope + slope_ahead)) / 2
            descends = change < min(0.0, _SUFFICIENT * float((ahead - x) @ slope))
            length /= 2
        if not descends:
            break
        x, slope = ahead, slope_ahead
    return x
