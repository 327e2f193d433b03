"""Quadratics over a box: the minimum satisfies the conditions that only the minimum does."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.problems import Limits, random_corpus
from transforms.m4.dual import Dual
from transforms.m4.mprgp import Curvature, box_minimum, curved
from transforms.m4.newton import curvature

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Quadratic:
    """A random quadratic, 1/2 x' A x + linear . x, A the curvature of a random problem."""

    curvature: Curvature
    masses: Vector
    linear: Vector

    @property
    def hessian(self) -> Vector:
        """A, (W, W)."""
        units = np.eye(len(self.linear))
        return np.array([curved(self.curvature, unit, self.masses) for unit in units])

    def minimum(self, low: Vector, high: Vector, accuracy: float, products: int) -> Vector:
        """The minimum in the box."""
        return np.asarray(
            box_minimum(self.curvature, self.linear, low, high, accuracy, products, self.masses)
        )


def quadratic(seed: int, m: int, c: int, prices: int, proximal: float) -> Quadratic:
    """The curvature over some `prices` of a problem with m attributes and c labels."""
    random = np.random.default_rng(seed)
    dual = Dual(random_corpus(seed, 90, m, c).problem(Limits(eta=0.5, delta=0.05)))
    masses = dual.problem.probabilities * random.random(len(dual.problem.probabilities))
    working = np.sort(random.permutation(len(dual.table.sign))[:prices])
    scale = np.maximum(dual.spread(masses)[working], 1e-3)
    term = np.full(len(working), proximal)
    linear = random.normal(size=len(working)) * 3
    return Quadratic(curvature(dual, working, scale, term), masses, linear)


@given(
    seed=st.integers(0, 2**31),
    m=st.integers(1, 3),
    c=st.integers(0, 4),
    prices=st.integers(1, 40),
    proximal=st.sampled_from([0.03, 1.0]),
)
def test_the_minimum_satisfies_its_optimality_conditions(
    seed: int, m: int, c: int, prices: int, proximal: float
) -> None:
    problem = quadratic(seed, m, c, prices, proximal)
    random, n = np.random.default_rng(seed), len(problem.linear)
    lower, upper = -random.uniform(0, 2, n), random.uniform(0, 2, n)
    lower[random.random(n) < 0.2] = 0
    x = problem.minimum(lower, upper, 1e-9, 20_000)
    slope = problem.hessian @ x + problem.linear
    assert (x >= lower).all()
    assert (x <= upper).all()
    inside = (x > lower) & (x < upper)
    assert np.abs(slope[inside]).max(initial=0) < 1e-6
    assert (slope[x == lower] >= -1e-6).all()
    assert (slope[(x == upper) & (upper > lower)] <= 1e-6).all()


def test_without_binding_bounds_it_solves_the_equations() -> None:
    problem = quadratic(0, 2, 3, 10, 0.1)
    bound = np.full(len(problem.linear), 1e3)
    x = problem.minimum(-bound, bound, 1e-9, 1000)
    assert x == pytest.approx(np.linalg.solve(problem.hessian, -problem.linear))


def test_where_nothing_slopes_it_stays() -> None:
    problem = quadratic(0, 2, 3, 10, 0.1)
    flat = Quadratic(problem.curvature, problem.masses, np.zeros(10))
    assert not flat.minimum(np.zeros(10), np.ones(10), 0.05, 300).any()


@given(seed=st.integers(0, 2**31), products=st.integers(9, 30))
@settings(max_examples=20)
def test_a_search_cut_short_still_descends(seed: int, products: int) -> None:
    problem = quadratic(seed, 3, 4, 30, 0.01)
    upper = np.random.default_rng(seed).uniform(0, 1, 30)
    x = problem.minimum(-np.ones(30), upper, 1e-9, products)
    assert x @ problem.hessian @ x / 2 + problem.linear @ x < 0
