"""Newton steps on the prices: from a rough solution of the dual to a certified one."""

import math

import numpy as np
from numpy.typing import NDArray

from transforms.m4.dual import Dual, Point, mean
from transforms.m4.mprgp import Curvature, box_minimum

Vector = NDArray[np.float64]
_MAX_STEPS = 300
_LEAST_REACH = 1e-9
_FIRST_DAMPING = 1e-2
_LEAST_DAMPING = 1e-9
_MOST_DAMPING = 1e3
_MAX_TRIALS = 20
_MAX_PRODUCTS = 300
_ACCURACY = 0.05
_FAINTEST = 1e-3
_FLAT = 0.3


def polish(dual: Dual, start: Point, spread: Vector, tolerance: float) -> tuple[Point, int]:
    """Damped Newton steps from `start` until the gap is `tolerance` or no step helps.

    Each step maximises the dual's quadratic model over the box of the prices, by products with the
    curvature alone, with a proximal term that settles redundant constraints and steps where next
    to nothing is unclipped. Its curvature is the mean over moves as long as the step before.
    """
    upper = dual.ceilings(spread)
    best = point = start
    damping, reach = _FIRST_DAMPING, math.inf
    for count in range(_MAX_STEPS):
        if best.gap <= tolerance or damping > _MOST_DAMPING:
            return best, count
        direction = newton_direction(dual, point, spread, upper, damping, reach)
        before, (point, length) = point, search(dual, point, direction, upper)
        reach = distance(dual, before, point) if length > 0 else math.inf
        best = min(best, point, key=lambda candidate: candidate.gap)
        damping = max(damping / 10, _LEAST_DAMPING) if length == 1 else damping * 10
    return best, _MAX_STEPS


def newton_direction(
    dual: Dual, point: Point, spread: Vector, upper: Vector, damping: float, reach: float
) -> Vector:
    """Where the dual's quadratic model at `point` is largest in the box of the prices, (K,).

    The model's curvature is the mean over moves of unclipped weights by up to `reach`, and no
    further than sqrt(2 (primal - dual)): weights are within that of the optimum's, in the root mean
    square, for the objective is strongly convex.
    """
    held = np.where(point.residuals > 0, point.prices >= upper, point.prices <= 0)
    working = np.flatnonzero((upper > 0) & ~held)
    reach = min(reach, math.sqrt(2 * (point.primal - point.dual)))
    masses = unclipped(dual, point, reach)
    patterns = np.flatnonzero(masses)
    among, masses = dual.among(patterns), masses[patterns]
    scale = np.maximum(among.spread(masses)[working], _FAINTEST * spread[working])
    proximal = damping * (spread[working] / scale) ** 2
    direction = np.zeros_like(point.prices)
    direction[working] = (
        box_minimum(
            curvature(among, working, scale, proximal),
            -point.residuals[working] / scale,
            -point.prices[working] * scale,
            (upper - point.prices)[working] * scale,
            _ACCURACY,
            _MAX_PRODUCTS,
            masses,
        )
        / scale
    )
    return direction


def distance(dual: Dual, before: Point, after: Point) -> float:
    """By how much unclipped weights differ between two points, the root mean square."""
    moved = dual.scores(after.prices - before.prices) + (after.mu - before.mu)
    return math.sqrt(mean(dual.problem.probabilities, moved**2))


def curvature(dual: Dual, working: NDArray[np.int64], scale: Vector, proximal: Vector) -> Curvature:
    """That over the `working` prices, (W,), of the patterns of `dual`."""
    pairs, labels = dual.pairs, dual.problem.y.shape[1]
    return Curvature(
        dual.table.some(working),
        scale,
        proximal,
        labels,
        *dual.labelled,
        dual.integrands,
        pairs.group,
        pairs.label,
        pairs.starts,
        pairs.places,
        pairs.cuts,
        pairs.low,
        pairs.room,
    )


def unclipped(dual: Dual, point: Point, reach: float) -> Vector:
    """How much of each pattern's probability responds to prices, (P,).

    It is the mean slope of the clip to [0, Q] from `reach` below the weight to `reach` above it:
    0 or 1 for all but those within reach of a bound.
    """
    Q, reach = dual.problem.terms.Q, max(reach, _LEAST_REACH)
    free = dual.wanted - dual.scores(point.prices) - point.mu
    rise = np.clip(free + reach, 0.0, Q) - np.clip(free - reach, 0.0, Q)
    return dual.problem.probabilities * rise / (2 * reach)


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
