"""Quadratics over a box: the minimum satisfies the conditions that only the minimum does."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transforms.boxes import box_minimum


@given(seed=st.integers(0, 2**31), n=st.integers(1, 40), rank=st.integers(1, 40))
def test_the_minimum_satisfies_its_optimality_conditions(seed: int, n: int, rank: int) -> None:
    random = np.random.default_rng(seed)
    factor = random.normal(size=(n, rank))
    hessian = factor @ factor.T + 0.1 * np.eye(n)
    gradient = random.normal(size=n) * 3
    lower, upper = -random.uniform(0, 2, n), random.uniform(0, 2, n)
    lower[random.random(n) < 0.2] = 0
    x = box_minimum(lambda v: hessian @ v, gradient, lower, upper, 1e-9, 20_000)
    slope = hessian @ x + gradient
    assert (x >= lower).all()
    assert (x <= upper).all()
    inside = (x > lower) & (x < upper)
    assert np.abs(slope[inside]).max(initial=0) < 1e-6
    assert (slope[x == lower] >= -1e-6).all()
    assert (slope[(x == upper) & (upper > lower)] <= 1e-6).all()


def test_without_binding_bounds_it_solves_the_equations() -> None:
    hessian = np.array([[2.0, 1.0], [1.0, 3.0]])
    bound = np.full(2, 100.0)
    x = box_minimum(lambda v: hessian @ v, np.array([-3.0, -4.0]), -bound, bound, 1e-9, 100)
    assert np.allclose(x, [1, 1])


@given(seed=st.integers(0, 2**31), products=st.integers(9, 30))
def test_a_search_cut_short_still_descends(seed: int, products: int) -> None:
    random = np.random.default_rng(seed)
    factor = random.normal(size=(30, 30))
    hessian, gradient = factor @ factor.T + 0.01 * np.eye(30), random.normal(size=30)
    x = box_minimum(
        lambda v: hessian @ v, gradient, -np.ones(30), random.uniform(0, 1, 30), 1e-9, products
    )
    assert x @ hessian @ x / 2 + gradient @ x < 0
