"""Newton steps on the prices: from a rough solution of the dual to a certified one."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from transforms.boxes import box_minimum
from transforms.dual import Dual, Point, mean

Vector = NDArray[np.float64]
_MAX_STEPS = 100
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
    to nothing is unclipped.
    """
    upper = dual.ceilings(spread)
    best = point = start
    damping = _FIRST_DAMPING
    for count in range(_MAX_STEPS):
        if best.gap <= tolerance or damping > _MOST_DAMPING:
            return best, count
        direction = newton_direction(dual, point, spread, upper, damping)
        point, length = search(dual, point, direction, upper)
        best = min(best, point, key=lambda candidate: candidate.gap)
        damping = max(damping / 10, _LEAST_DAMPING) if length == 1 else damping * 10
    return best, _MAX_STEPS


def newton_direction(
    dual: Dual, point: Point, spread: Vector, upper: Vector, damping: float
) -> Vector:
    """Where the dual's quadratic model at `point` is largest in the box of the prices, (K,).

    Weights are within sqrt(2 (primal - dual)) of the optimum's, in the root mean square, for the
    objective is strongly convex: the model's curvature is the mean over moves that far.
    """
    held = np.where(point.residuals > 0, point.prices >= upper, point.prices <= 0)
    working = np.flatnonzero((upper > 0) & ~held)
    masses = unclipped(dual, point, math.sqrt(2 * (point.primal - point.dual)))
    patterns = np.flatnonzero(masses)
    part, masses = dual.among(patterns), masses[patterns]
    scale = np.maximum(part.spread(masses)[working], _FAINTEST * spread[working])
    curved = curvature(part, masses, working)
    proximal = damping * (spread[working] / scale) ** 2

    def product(scaled: Vector) -> Vector:
        return curved(scaled / scale) / scale + proximal * scaled

    direction = np.zeros_like(point.prices)
    direction[working] = (
        box_minimum(
            product,
            -point.residuals[working] / scale,
            -point.prices[working] * scale,
            (upper - point.prices)[working] * scale,
            _ACCURACY,
            _MAX_PRODUCTS,
        )
        / scale
    )
    return direction


def unclipped(dual: Dual, point: Point, reach: float) -> Vector:
    """How much of each pattern's probability responds to prices, (P,).

    It is the mean slope of the clip to [0, Q] from `reach` below the weight to `reach` above it:
    0 or 1 for all but those within reach of a bound.
    """
    Q, reach = dual.problem.terms.Q, max(reach, _LEAST_REACH)
    free = dual.wanted - dual.scores(point.prices) - point.mu
    rise = np.clip(free + reach, 0.0, Q) - np.clip(free - reach, 0.0, Q)
    return dual.problem.probabilities * rise / (2 * reach)


def curvature(dual: Dual, masses: Vector, working: NDArray[np.int64]) -> Callable[[Vector], Vector]:
    """The negative Hessian of the dual over the `working` prices, as v -> H v, (W,) each.

    It is the covariance of a under the unclipped patterns U, of these `masses`, times P(U):
    E_U[a a'] - E_U[a] E_U[a]' / P(U). The second term is what eliminating mu subtracts.
    """
    whole = masses.sum()

    def product(values: Vector) -> Vector:
        prices = np.zeros(len(dual.slots.sign))
        prices[working] = values
        scores = dual.scores(prices)
        centre = mean(masses, scores) / whole if whole > 0 else 0.0
        return dual.biases(masses * (scores - centre))[working]

    return product


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
