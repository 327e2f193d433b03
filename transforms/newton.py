"""Newton steps on the active prices: from a rough solution of the dual to a certified one."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.boxes import box_minimum
from transforms.dual import ASSOCIATION, Dual, Point

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
    upper = dual.ceilings(spread)
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
    unclipped = np.flatnonzero((q > 0) & (q < problem.terms.Q))
    if not len(unclipped):
        return np.zeros((len(working), len(working)))
    probabilities = problem.probabilities[unclipped]
    labels = np.append(dual.slots.label[working], len(problem.terms.labels))
    used = np.flatnonzero(np.isin(dual.pairs.label, labels))
    occurs = dual.pairs.occurs[unclipped][:, used]
    weighted = sp.csr_array(
        (np.repeat(probabilities, np.diff(occurs.indptr)), occurs.indices, occurs.indptr),
        occurs.shape,
    )
    columns, mix = constraint_columns(dual, working)
    columns = columns[used]
    joint = columns.T @ ((occurs.T.tocsr() @ weighted) @ columns)
    total = columns.T @ (probabilities @ occurs)
    covariance = joint.toarray() - np.outer(total, total) / probabilities.sum()
    return np.asarray(mix.T @ (mix.T @ covariance).T, dtype=np.float64)


def constraint_columns(dual: Dual, working: NDArray[np.int64]) -> tuple[sp.csc_array, sp.csc_array]:
    """What each pair adds to each working constraint's a: columns times mix.

    columns are sparse (J, W + 2 m), mix is sparse (W + 2 m, W). The last columns are, for each
    attribute, the A and the B that a sample adds whatever its labels: an association takes the
    label's centre times the one, and its tolerance times the other.
    """
    slots, pairs = dual.slots, np.arange(len(dual.pairs.label))
    m, c = len(dual.problem.terms.attributes), len(dual.problem.terms.labels)
    by_label = sp.csc_array((np.ones(len(pairs)), (pairs, dual.pairs.label)), (len(pairs), c + 1))
    columns = sp.csc_array(by_label[:, np.append(slots.label[working], np.full(2 * m, c))])
    column = np.repeat(np.arange(columns.shape[1]), np.diff(columns.indptr))
    columns.data = _values(dual, working, columns.indices, column)
    within = np.flatnonzero(slots.kind[working] == ASSOCIATION)
    associations = working[within]
    contrasts = len(working) + slots.attribute[associations]
    centre = dual.problem.terms.label_centres[
        slots.attribute[associations], slots.label[associations]
    ]
    entries = [
        (np.ones(len(working)), np.arange(len(working)), np.arange(len(working))),
        (-slots.sign[associations] * centre, contrasts, within),
        (-slots.tolerance[associations], contrasts + m, within),
    ]
    values, rows, places = (np.concatenate(part) for part in zip(*entries, strict=True))
    return columns, sp.csc_array((values, (rows, places)), (len(working) + 2 * m, len(working)))


def _values(
    dual: Dual, working: NDArray[np.int64], pair: NDArray[np.int64], column: NDArray[np.int64]
) -> Vector:
    """The entries at (pair, column) of the columns of `constraint_columns`."""
    slots, integrands = dual.slots, dual.problem.integrands
    m = len(dual.problem.terms.attributes)
    k = np.concatenate([slots.attribute[working], np.tile(np.arange(m), 2)])[column]
    at = dual.pairs.group[pair], k
    kind = np.concatenate([slots.kind[working], np.full(m, ASSOCIATION), np.full(m, -1)])[column]
    sign = np.append(slots.sign[working], np.ones(2 * m))[column]
    tolerance = np.append(slots.tolerance[working], np.zeros(2 * m))[column]
    plain = sign * integrands.share[at] - tolerance * integrands.base[at]
    associated = sign * integrands.contrast[at]
    return np.select([kind == ASSOCIATION, kind < 0], [associated, integrands.spread[at]], plain)


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
