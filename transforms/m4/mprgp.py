"""Quadratic minimisation in a box by products with the curvature alone, compiled."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.m4.constraints import ConstraintTable
from transforms.m4.kernels import (
    Cuts,
    Places,
    Starts,
    biases,
    coefficients,
    compiled,
    label_moments,
    pair_scores,
    pair_sums,
    pattern_sums,
)

Vector = NDArray[np.float64]
_POWER_STEPS = 8
_SAFE = 1.9


class Curvature(NamedTuple):
    """The negative Hessian of the dual over W prices, each times `scale`, plus `proximal`, (W,).

    It is the covariance of a under patterns U of some masses, times P(U): E_U[a a'] - E_U[a]
    E_U[a]' / P(U). The second term is what eliminating mu subtracts. The patterns have the pairs
    that follow, as in `transforms.m4.incidence.Pairs`; labels take the integrands, (G, 4 m), from
    first to last.
    """

    table: ConstraintTable
    scale: Vector
    proximal: Vector
    labels: int
    first: int
    last: int
    integrands: Vector
    group: Cuts
    label: Cuts
    starts: Starts
    places: Places
    cuts: Cuts
    low: Cuts
    room: Cuts


@compiled
def curved(curvature: Curvature, values: Vector, masses: Vector) -> Vector:
    """The product of the curvature with values, (W,), the patterns being of `masses`, (U,)."""
    at, labels, first, last = curvature, curvature.labels, curvature.first, curvature.last
    attributes = at.integrands.shape[1] // 4
    prices = np.empty(len(values))
    for i in range(len(values)):
        prices[i] = values[i] / at.scale[i]
    taken = coefficients(labels, attributes, at.table, prices)
    of_pairs = pair_scores(first, last, taken, at.integrands, at.label, at.group)
    scores = pattern_sums(at.places, of_pairs, at.starts)
    whole = total = 0.0
    for pattern in range(len(masses)):
        whole += masses[pattern]
        total += masses[pattern] * scores[pattern]
    centre = total / whole if whole > 0 else 0.0
    for pattern in range(len(masses)):
        scores[pattern] = masses[pattern] * (scores[pattern] - centre)
    sums = pair_sums(len(at.group), at.cuts, at.low, at.room, at.places, at.starts, scores)
    moments = label_moments(first, last, labels, at.integrands, sums, at.label, at.group)
    product: Vector = biases(moments, at.table)
    for i in range(len(values)):
        product[i] = product[i] / at.scale[i] + at.proximal[i] * values[i]
    return product


@compiled
def _dot(one: Vector, other: Vector) -> float:
    total = 0.0
    for i in range(len(one)):
        total += one[i] * other[i]
    return total


@compiled
def _plus(x: Vector, step: float, direction: Vector) -> Vector:
    """x + step direction."""
    moved = np.empty(len(x))
    for i in range(len(x)):
        moved[i] = x[i] + step * direction[i]
    return moved


@compiled
def _less(x: Vector, step: float, direction: Vector, low: Vector, high: Vector) -> Vector:
    """x - step direction, brought into the box."""
    moved = np.empty(len(x))
    for i in range(len(x)):
        moved[i] = min(max(x[i] - step * direction[i], low[i]), high[i])
    return moved


@compiled
def _split(x: Vector, gradient: Vector, low: Vector, high: Vector) -> tuple[Vector, Vector]:
    """The gradient where x is free, and what of it leads from a bound into the box."""
    free, chopped = np.zeros(len(x)), np.zeros(len(x))
    for i in range(len(x)):
        if low[i] < x[i] < high[i]:
            free[i] = gradient[i]
        elif (x[i] < high[i] and gradient[i] < 0) or (x[i] > low[i] and gradient[i] > 0):
            chopped[i] = gradient[i]
    return free, chopped


@compiled
def _within(x: Vector, free: Vector, low: Vector, high: Vector, length: float) -> float:
    """The product of `free` with what of it a step of `length` against it takes, in the box."""
    total = 0.0
    for i in range(len(x)):
        room = (x[i] - low[i]) if free[i] > 0 else (x[i] - high[i])
        taken = min(room / length, free[i]) if free[i] > 0 else max(room / length, free[i])
        total += taken * free[i]
    return total


@compiled
def _room(x: Vector, direction: Vector, low: Vector, high: Vector) -> float:
    """How far x can go against `direction` in the box."""
    room = np.inf
    for i in range(len(x)):
        if direction[i] != 0:
            bound = low[i] if direction[i] > 0 else high[i]
            room = min(room, (x[i] - bound) / direction[i])
    return room


@compiled
def _norm(curvature: Curvature, start: Vector, masses: Vector) -> float:
    """The largest eigenvalue, about, by power iteration."""
    image, size, zero = start, math.sqrt(_dot(start, start)), np.zeros(len(start))
    for _ in range(_POWER_STEPS):
        if size == 0:
            return 1.0
        image = curved(curvature, _plus(zero, 1 / size, image), masses)
        size = math.sqrt(_dot(image, image))
    return size if size > 0 else 1.0


@compiled
def box_minimum(
    curvature: Curvature,
    linear: Vector,
    low: Vector,
    high: Vector,
    accuracy: float,
    max_products: int,
    masses: Vector,
) -> Vector:
    """About the x in [low, high] that minimises 1/2 x' A x + linear . x, from x = 0 in the box.

    A is the curvature with patterns of `masses`, (U,), positive definite. Stops where the projected
    gradient is `accuracy` of what it was, or after `max_products`. Method: conjugate gradients on
    the free part, expanded by projected gradient steps (MPRGP: Dostal and Schoeberl, Computational
    Optimization and Applications 30, 2005, with both bounds).
    """
    length = _SAFE / _norm(curvature, linear, masses)
    x, gradient = np.zeros(len(linear)), linear
    free, chopped = _split(x, gradient, low, high)
    enough = accuracy**2 * (_dot(free, free) + _dot(chopped, chopped))
    direction = free
    used = _POWER_STEPS
    while used < max_products and _dot(free, free) + _dot(chopped, chopped) > enough:
        expanding = _dot(chopped, chopped) > _within(x, free, low, high, length)
        if expanding:
            direction = chopped
        image = curved(curvature, direction, masses)
        used += 1
        bend = _dot(direction, image)
        step, room = _dot(gradient, direction) / bend, _room(x, direction, low, high)
        x = _less(x, min(step, room), direction, low, high)
        gradient = _plus(gradient, -min(step, room), image)
        free, chopped = _split(x, gradient, low, high)
        if expanding:
            direction = free
        elif step <= room:
            direction = _plus(free, -_dot(free, image) / bend, direction)
        else:
            x = _less(x, length, free, low, high)
            gradient = _plus(curved(curvature, x, masses), 1.0, linear)
            used += 1
            free, chopped = _split(x, gradient, low, high)
            direction = free
    return x
