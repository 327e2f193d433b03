"""Newton steps on the active prices: from a rough solution of the dual to a certified one."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.boxes import box_minimum
from transforms.dual import Dual, Point

Vector = NDArray[np.float64]
_MAX_STEPS = 100
_LEAST_DAMPING = 1e-9
_MOST_DAMPING = 1e3
_MAX_TRIALS = 20
_FLAT = 0.3


def polish(dual: Dual, start: Point, spread: Vector, tolerance: float) -> tuple[Point, int]:
    """Damped Newton steps from `start` until the gap is `tolerance` or no step helps.

    Each step maximises the dual's quadratic model over the box of the active prices, with a
    proximal term that settles redundant constraints and steps where next to nothing is unclipped.
    """
    upper = np.where(spread > 0, dual.problem.balance.V, 0.0)
    best = point = start
    damping, length = _LEAST_DAMPING, 1.0
    for count in range(_MAX_STEPS):
        if best.gap <= tolerance or damping > _MOST_DAMPING:
            return best, count
        if length > 0:
            working = np.flatnonzero((upper > 0) & ((point.prices > 0) | (point.residuals > 0)))
            hessian = curvature(dual, point.q, working)
        direction = np.zeros_like(point.prices)
        direction[working] = box_minimum(
            hessian + np.diag(damping * spread[working] ** 2),
            -point.residuals[working],
            -point.prices[working],
            upper[working] - point.prices[working],
        )
        point, length = search(dual, point, direction, upper)
        best = min(best, point, key=lambda candidate: candidate.gap)
        damping = max(damping / 10, _LEAST_DAMPING) if length == 1 else damping * 10
    return best, _MAX_STEPS


def curvature(dual: Dual, q: Vector, working: NDArray[np.int64]) -> Vector:
    """The negative Hessian of the dual over the `working` prices, (W, W).

    It is the covariance of a under the unclipped patterns U, times P(U): E_U[a a'] - E_U[a]
    E_U[a]' / P(U). The second term is what eliminating mu subtracts.
    """
    problem = dual.problem
    unclipped = np.flatnonzero((q > 0) & (q < problem.balance.Q))
    if not len(unclipped):
        return np.zeros((len(working), len(working)))
    probabilities = problem.probabilities[unclipped]
    used = np.flatnonzero(np.isin(dual.pair_label, dual.layout.label[working]))
    occurs = dual.occurs[unclipped][:, used]
    weighted = sp.csr_array(
        (np.repeat(probabilities, np.diff(occurs.indptr)), occurs.indices, occurs.indptr),
        occurs.shape,
    )
    columns = pair_columns(dual, working)[used]
    joint = columns.T @ ((occurs.T.tocsr() @ weighted) @ columns)
    total = columns.T @ (probabilities @ occurs)
    eliminated = np.outer(total, total) / probabilities.sum()
    return np.asarray(joint.toarray() - eliminated, dtype=np.float64)


def pair_columns(dual: Dual, working: NDArray[np.int64]) -> sp.csc_array:
    """What each pair adds to each working constraint's a, constants apart, sparse (J, W)."""
    layout = dual.layout
    labels = layout.label[working]
    by_label = sp.csc_array(
        (np.ones(len(dual.pair_label)), (np.arange(len(dual.pair_label)), dual.pair_label)),
        (len(dual.pair_label), dual.problem.y.shape[1] + 1),
    )
    columns = sp.csc_array(by_label[:, labels])
    entries = np.repeat(working, np.diff(columns.indptr))
    deviation = dual.problem.deviations[dual.pair_group[columns.indices], layout.attribute[entries]]
    columns.data = layout.sign[entries] * deviation - layout.tolerated[entries]
    return columns


def search(dual: Dual, start: Point, direction: Vector, upper: Vector) -> tuple[Point, float]:
    """A point along `direction` near the dual's maximum on it, and the share of it taken.

    The dual is concave: where its slope is still positive it has grown all the way. Slopes decide
    rather than values, for near the optimum values differ by less than rounding. The whole step is
    taken where it has grown to its end, or halves the gap.
    """
    rise = float(start.residuals @ direction)
    if rise <= 0:
        return start, 0.0
    low, high, length = 0.0, 1.0, 1.0
    slope_low, best, taken = rise, start, 0.0
    for _ in range(_MAX_TRIALS):
        trial = dual.at(np.clip(start.prices + length * direction, 0.0, upper), start.mu)
        slope = float(trial.residuals @ direction)
        if trial.gap <= start.gap / 2 or (slope >= 0 and length == 1):
            return trial, length
        if slope >= 0 or trial.dual > best.dual:
            best, taken = trial, length
        if taken > 0 and abs(slope) <= _FLAT * rise:
            break
        if slope > 0:
            low, slope_low = length, slope
        else:
            high, slope_high = length, slope
        share = slope_low / (slope_low - slope_high)
        length = low + (high - low) * min(max(share, 0.1), 0.9)
    return best, taken
