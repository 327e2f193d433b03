"""Newton steps: the curvature that they use, and where they end."""

import numpy as np
import pytest

from tests.problems import Limits, random_corpus
from transforms.m4.dual import Dual
from transforms.m4.mprgp import curved
from transforms.m4.newton import curvature, distance, polish, unclipped

BALANCE = Limits(eta=0.5, eps_D=0.01, delta=0.05, label_centre=0.15)


def test_the_curvature_is_the_slope_of_the_gradient() -> None:
    samples = random_corpus(6, 300, 3, 4, share_of="group", target=0.3, noisy_utility=True)
    problem = samples.problem(BALANCE)
    dual = Dual(problem)
    random = np.random.default_rng(0)
    prices = random.uniform(0, 0.1, len(problem.constraints))
    working = np.flatnonzero(random.random(len(prices)) < 0.5)
    point = dual.at(prices)
    assert 0.1 < np.mean((point.q > 0) & (point.q < 1)) < 1
    step, slopes = 1e-7, []
    for i in working:
        moved = prices.copy()
        moved[i] += step
        slopes.append((dual.at(moved).residuals - point.residuals)[working] / step)
    scale, proximal = random.uniform(0.5, 2, (2, len(working)))
    at, masses = curvature(dual, working, scale, proximal), unclipped(dual, point, 0.0)
    found = np.array([curved(at, unit, masses) for unit in np.eye(len(working))])
    expected = -np.array(slopes) / np.outer(scale, scale) + np.diag(proximal)
    assert found == pytest.approx(expected, abs=1e-6)


def test_the_patterns_that_are_clipped_take_no_part_in_the_curvature() -> None:
    problem = random_corpus(6, 300, 3, 4, noisy_utility=True).problem(BALANCE)
    dual = Dual(problem)
    random = np.random.default_rng(0)
    point = dual.at(random.uniform(0, 0.1, len(problem.constraints)))
    working = np.flatnonzero(random.random(len(point.prices)) < 0.5)
    masses = unclipped(dual, point, 0.0)
    patterns = np.flatnonzero(masses)
    assert 0 < len(patterns) < len(masses)
    values = random.normal(size=len(working))
    units = np.ones((2, len(working)))
    among = curved(curvature(dual.among(patterns), working, *units), values, masses[patterns])
    whole = curved(curvature(dual, working, *units), values, masses)
    assert among == pytest.approx(whole, abs=1e-14)


def test_what_is_unclipped_is_the_mean_slope_of_the_weight() -> None:
    problem = random_corpus(6, 300, 2, 3, noisy_utility=True).problem(BALANCE)
    dual, reach = Dual(problem), 0.2
    random = np.random.default_rng(0)
    point = dual.at(random.uniform(0, 0.3, len(problem.constraints)))
    free = dual.wanted - dual.scores(point.prices) - point.mu
    moves = np.linspace(-reach, reach, 20_001)[:, None]
    inside = ((free + moves > 0) & (free + moves < 1)).mean(axis=0)
    shares = unclipped(dual, point, reach) / problem.probabilities
    assert shares == pytest.approx(inside, abs=1e-3)
    assert np.mean((shares > 0.01) & (shares < 0.99)) > 0.1


def test_newton_alone_solves_from_nothing() -> None:
    dual = Dual(random_corpus(2, 300, 2, 4).problem(BALANCE))
    spread = dual.spread(dual.problem.probabilities)
    start = dual.at(np.zeros(len(spread)))
    assert start.gap > 0.9
    point, steps = polish(dual, start, spread, 1e-9)
    assert point.gap <= 1e-9
    assert steps < 30


def test_the_distance_is_of_weights_that_are_not_clipped() -> None:
    dual = Dual(random_corpus(2, 300, 2, 4).problem(BALANCE))
    random = np.random.default_rng(0)
    before, after = (dual.at(random.uniform(0, 1e-3, len(dual.table.sign))) for _ in range(2))
    assert ((before.q > 0) & (before.q < 1) & (after.q > 0) & (after.q < 1)).all()
    apart = np.sqrt(dual.problem.probabilities @ (after.q - before.q) ** 2)
    assert distance(dual, before, after) == pytest.approx(apart)


@pytest.mark.parametrize(("seed", "eta"), [(2, 0.4), (0, 0.6)])
def test_models_look_as_far_as_steps_go(seed: int, eta: float) -> None:
    """With models that look as far as the gap allows, these take 19 and 36 steps."""
    dual = Dual(random_corpus(seed, 1000, 2, 10).problem(Limits(eta=eta, eps_R=1e-3, eps_D=1e-3)))
    spread = dual.spread(dual.problem.probabilities)
    point, steps = polish(dual, dual.at(np.zeros(len(spread))), spread, 1e-6)
    assert point.gap <= 1e-6
    assert steps < 17
