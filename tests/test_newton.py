"""Newton steps: the curvature that they use, and where they end."""

import numpy as np
import pytest

from tests.problems import Limits, random_corpus
from transforms.dual import Dual
from transforms.newton import curvature, polish, unclipped

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
    product = curvature(dual, unclipped(dual, point, 0.0), working)
    hessian = np.array([product(unit) for unit in np.eye(len(working))])
    assert hessian == pytest.approx(-np.array(slopes), abs=1e-7)


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
    among = curvature(dual.among(patterns), masses[patterns], working)
    assert among(values) == pytest.approx(curvature(dual, masses, working)(values), abs=1e-14)


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
