"""Maximising the dual: L-BFGS-B from afar, then Newton steps on the active prices."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize

from transforms.m4.dual import Dual, Point
from transforms.m4.newton import polish

Vector = NDArray[np.float64]
_HAND_OVER = 3e-2
_PRICES_A_STEP = 16
_MEMORY = 20


def ascend(dual: Dual, spread: Vector, tolerance: float, start: Vector) -> tuple[Point, int]:
    """The best point found, and the number of steps; stops at a relative gap of `tolerance`.

    spread (K,) scales the prices; where it is 0 the constraint has no support, and its price is 0
    or, where what is written misses it, the largest. start (K,) are the prices to begin with.
    """
    near, first = approach(dual, spread, max(_HAND_OVER, tolerance), start)
    point, second = polish(dual, near, spread, tolerance)
    return point, first + second


def approach(dual: Dual, spread: Vector, enough: float, start: Vector) -> tuple[Point, int]:
    """L-BFGS-B on the dual in prices times `spread`, until the gap is `enough` or it stalls.

    At most one step for every 16 prices: Newton steps take products with the curvature in
    proportion to the prices, and where these are few they are the shorter way from afar as well.
    """
    upper = dual.ceilings(spread)
    supported = spread > 0
    best = latest = dual.at(np.where(supported, np.clip(start, 0.0, upper), upper))
    unscaled = np.divide(1.0, spread, out=np.zeros_like(spread), where=supported)

    def negative(scaled: Vector) -> tuple[float, Vector]:
        nonlocal best, latest
        prices = np.where(supported, np.clip(scaled * unscaled, 0.0, upper), upper)
        latest = dual.at(prices, latest.mu)
        best = min(best, latest, key=lambda point: point.gap)
        return -latest.dual, -latest.residuals * unscaled

    def stop_when_enough(_: Vector) -> None:
        if best.gap <= enough:
            raise StopIteration

    most = len(spread) // _PRICES_A_STEP
    if best.gap <= enough or most == 0:
        return best, 0
    outcome = minimize(
        negative,
        best.prices * spread,
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(np.zeros(len(spread)), upper * spread),
        callback=stop_when_enough,
        options={"maxcor": _MEMORY, "maxiter": most, "ftol": 0.0, "gtol": 0.0},
    )
    return best, int(outcome.get("nit", 0))
