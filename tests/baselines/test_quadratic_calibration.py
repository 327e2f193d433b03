"""Quadratic calibration against an interior point solver, and where it cannot be met."""

import numpy as np
import pytest

from tests.problems import Limits, corpus, random_corpus
from tests.quadratic import clarabel_optimum
from transforms.baselines.quadratic_calibration import at_rate, calibrated
from transforms.statistics.measures import measure


def chosen(m: int, c: int) -> tuple[np.ndarray, np.ndarray]:
    return np.ones(m, np.bool_), np.ones((m, c), np.bool_)


@pytest.mark.parametrize(
    ("seed", "m", "c", "eta", "Q"),
    [
        (0, 1, 2, 0.4, 1.0),
        (1, 2, 3, 0.3, 0.4),
        (2, 3, 4, 0.5, 1.5),
        (3, 2, 6, 0.2, 1.0),
    ],
)
def test_the_weights_are_those_of_an_independent_solver(
    seed: int, m: int, c: int, eta: float, Q: float
) -> None:
    samples = random_corpus(seed, 1_500, m, c, tilt=0.4)
    exact = samples.problem(Limits(eta, Q, V=1e4, eps_R=0.0, eps_D=0.0))
    value, expected = clarabel_optimum(exact)
    q = calibrated(samples.histogram, samples.attributes, *chosen(m, c), eta, Q)
    assert q == pytest.approx(expected, abs=1e-4)
    assert exact.probabilities @ (q - eta) ** 2 / 2 == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize("share_of", ["all", "group"])
def test_all_that_is_chosen_is_balanced(share_of: str) -> None:
    samples = random_corpus(4, 3_000, 2, 5, share_of=share_of, tilt=0.4)
    q = calibrated(samples.histogram, samples.attributes, *chosen(2, 5), 0.3, 1.0)
    found = measure(samples.histogram, samples.attributes, q)
    assert found.max_RB <= 1e-5
    assert found.max_skew <= 1e-4


def test_what_is_not_chosen_is_left_alone() -> None:
    samples = corpus([[1], [1], [0], [0]], [[1], [0], [1], [0]], counts=[30, 10, 20, 40])
    nothing = np.zeros((1, 1), np.bool_)
    q = calibrated(samples.histogram, samples.attributes, np.ones(1, np.bool_), nothing, 0.3, 1.0)
    assert q == pytest.approx([0.15 / 0.6, 0.15 / 0.6, 0.15 / 0.4, 0.15 / 0.4], abs=1e-6)


def test_moments_that_cannot_be_balanced_are_brought_near() -> None:
    """At a rate of 0.5 a share of 0.2 can become 0.4 at most."""
    samples = corpus([[1], [0]], [[1], [1]], counts=[20, 80])
    q = calibrated(samples.histogram, samples.attributes, *chosen(1, 1), 0.5, 1.0)
    found = measure(samples.histogram, samples.attributes, q)
    assert samples.histogram.counts @ q / 100 == pytest.approx(0.5, abs=1e-12)
    assert found.share[0] == pytest.approx(0.4, abs=1e-5)


def test_a_rate_out_of_reach_gives_the_last_weights() -> None:
    found = at_rate(lambda x: np.array([x]), 0.0, 2.0, np.ones(1), 3.0)
    assert found.tolist() == [2.0]
