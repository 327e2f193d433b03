"""Quadratic minimisation in a box by products with the matrix alone."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
_POWER_STEPS = 8
_SAFE = 1.9


def box_minimum(
    product: Callable[[Vector], Vector],
    linear: Vector,
    low: Vector,
    high: Vector,
    accuracy: float,
    max_products: int,
) -> Vector:
    """About the x in [low, high] that minimises 1/2 x' A x + linear . x, from x = 0 in the box.

    `product` is x -> A x, A positive definite. Stops where the projected gradient is `accuracy`
    of what it was, or after `max_products`. Method: conjugate gradients on the free part,
    expanded by projected gradient steps (MPRGP: Dostal and Schoeberl, Computational Optimization
    and Applications 30, 2005, with both bounds).
    """
    length = _SAFE / _norm(product, linear)
    x, gradient = np.zeros_like(linear), linear.copy()
    free, chopped = _split(x, gradient, low, high)
    enough = accuracy * np.linalg.norm(free + chopped)
    direction = free
    used = _POWER_STEPS
    while used < max_products and np.linalg.norm(free + chopped) > enough:
        reduced = np.where(
            free > 0, np.minimum((x - low) / length, free), np.maximum((x - high) / length, free)
        )
        if chopped @ chopped <= reduced @ free:
            curved = product(direction)
            used += 1
            bend = direction @ curved
            step = float(gradient @ direction / bend)
            room = _room(x, direction, low, high)
            if step <= room:
                x = np.clip(x - step * direction, low, high)
                gradient = gradient - step * curved
                free, chopped = _split(x, gradient, low, high)
                direction = free - (free @ curved / bend) * direction
            else:
                x = x - room * direction
                gradient = gradient - room * curved
                free, _ = _split(x, gradient, low, high)
                x = np.clip(x - length * free, low, high)
                gradient = product(x) + linear
                used += 1
                free, chopped = _split(x, gradient, low, high)
                direction = free
        else:
            curved = product(chopped)
            used += 1
            best = float(gradient @ chopped / (chopped @ curved))
            step = min(best, _room(x, chopped, low, high))
            x = np.clip(x - step * chopped, low, high)
            gradient = gradient - step * curved
            free, chopped = _split(x, gradient, low, high)
            direction = free
    return x


def _split(x: Vector, gradient: Vector, low: Vector, high: Vector) -> tuple[Vector, Vector]:
    """The gradient where x is free, and what of it leads from a bound into the box."""
    at_low, at_high = x <= low, x >= high
    free = np.where(at_low | at_high, 0.0, gradient)
    chopped = np.where(at_low & ~at_high, np.minimum(gradient, 0.0), 0.0)
    chopped += np.where(at_high & ~at_low, np.maximum(gradient, 0.0), 0.0)
    return free, chopped


def _room(x: Vector, direction: Vector, low: Vector, high: Vector) -> float:
    """How far x can go against `direction` in the box."""
    bound = np.where(direction > 0, x - low, x - high)
    steps = np.divide(bound, direction, out=np.full_like(x, np.inf), where=direction != 0)
    return float(steps.min(initial=np.inf))


def _norm(product: Callable[[Vector], Vector], start: Vector) -> float:
    """The largest eigenvalue, about, by power iteration."""
    vector = start / max(float(np.linalg.norm(start)), np.finfo(float).tiny)
    size = 1.0
    for _ in range(_POWER_STEPS):
        image = product(vector)
        size = float(np.linalg.norm(image))
        if size == 0:
            return 1.0
        vector = image / size
    return size
