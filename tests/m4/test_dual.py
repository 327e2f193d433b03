"""The dual function: its value, gradient and the rate's multiplier."""

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.problems import Limits, dense_constraints, random_corpus
from transforms.m4.dual import Dual
from transforms.m4.kernels import clipped_moments, half_square_distance

BALANCE = Limits(eta=0.5, eps_R=0.02, eps_D=0.01, delta=0.1, label_centre=0.15)


@pytest.mark.parametrize("share_of", ["all", "group"])
def test_a_point_is_the_definition(share_of: str) -> None:
    samples = random_corpus(6, 300, 3, 4, share_of=share_of, target=0.3, noisy_utility=True)
    problem = samples.problem(BALANCE)
    a, w = dense_constraints(problem), problem.probabilities
    prices = np.random.default_rng(0).uniform(0, 0.3, len(problem.constraints))
    point = Dual(problem).at(prices)
    wanted = BALANCE.eta * problem.utility
    biases = a @ prices
    shift = np.median(wanted - biases - point.mu - point.q, axis=0)
    assert point.q == pytest.approx(np.clip(wanted - biases - point.mu - shift, 0, 1), abs=1e-12)
    assert point.residuals == pytest.approx((w * point.q) @ a, abs=1e-14)
    moved = w @ (point.q - wanted) ** 2 / 2
    assert point.dual == pytest.approx(moved + prices @ point.residuals)
    assert point.primal == pytest.approx(moved + 100 * np.maximum(point.residuals, 0).sum())
    assert point.gap * point.primal == pytest.approx(point.primal - point.dual)


def test_the_gradient_is_the_slope_of_the_dual() -> None:
    problem = random_corpus(6, 300, 2, 3, noisy_utility=True).problem(BALANCE)
    dual = Dual(problem)
    random = np.random.default_rng(0)
    prices = random.uniform(0, 0.3, len(problem.constraints))
    towards = random.normal(size=len(prices))
    step = 1e-5
    ahead, behind = dual.at(prices + step * towards), dual.at(prices - step * towards)
    slope = (ahead.dual - behind.dual) / (2 * step)
    assert slope == pytest.approx(dual.at(prices).residuals @ towards, rel=1e-5)


@given(
    seed=st.integers(0, 2**31),
    spread=st.sampled_from([0.0, 1e-6, 1.0, 1e4]),
    rate=st.floats(1e-6, 1),
    Q=st.sampled_from([1.0, 5.0]),
    start=st.floats(-1e6, 1e6),
)
def test_every_rate_is_met(seed: int, spread: float, rate: float, Q: float, start: float) -> None:
    problem = random_corpus(seed, 100, 2, 3).problem(Limits(eta=rate * Q, Q=Q))
    random = np.random.default_rng(seed)
    free = np.round(random.normal(0, spread, len(problem.probabilities)), 3 - seed % 4)
    mu, q = Dual(problem).at_rate(free, start)
    assert np.array_equal(q, np.clip(free - mu, 0, Q))
    assert problem.probabilities @ q == pytest.approx(rate * Q, abs=1e-14 * (1 + spread))


def test_sums_over_many_patterns_have_the_same_bits_on_any_number_of_threads() -> None:
    random = np.random.default_rng(0)
    probabilities, free, wanted = random.random((3, 100_003))
    found = set()
    for threads in {1, numba.config.NUMBA_NUM_THREADS}:
        numba.set_num_threads(threads)
        rate = clipped_moments(0.1, 0.7, probabilities, free)
        found.add((*rate, half_square_distance(probabilities, free, wanted)))
    assert len(found) == 1
