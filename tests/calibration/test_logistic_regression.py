"""Penalised logistic regression, against the definition and against the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import norm

from transforms.calibration.logistic_regression import fit, sigmoid


def log_posterior(design, outcomes, deviations, coefficients) -> float:
    likely = 1 / (1 + np.exp(-(design @ coefficients)))
    likelihood = np.where(outcomes, likely, 1 - likely)
    return float(np.log(likelihood).sum() + norm.logpdf(coefficients, 0, deviations).sum())


@given(seed=st.integers(0, 2**31), n=st.integers(0, 60), features=st.integers(0, 4))
@settings(max_examples=40)
def test_the_mode_and_its_curvature_are_those_of_the_posterior(
    seed: int, n: int, features: int
) -> None:
    random = np.random.default_rng(seed)
    design = np.column_stack([np.ones(n), random.random((n, features)) < 0.4]).astype(float)
    outcomes = random.random(n) < random.random()
    deviations = random.uniform(0.1, 3, 1 + features)
    found = fit(design, outcomes, deviations)
    expected = minimize(
        lambda at: -log_posterior(design, outcomes, deviations, at), np.zeros(1 + features)
    )
    assert found.mode == pytest.approx(expected.x, abs=1e-4)
    likely = sigmoid(design @ found.mode)
    curvature = design.T @ np.diag(likely * (1 - likely)) @ design + np.diag(deviations**-2)
    assert np.linalg.inv(found.covariance) == pytest.approx(curvature)


def test_the_evidence_is_the_probability_of_the_outcomes() -> None:
    """One coefficient: the integral of likelihood times prior, by quadrature."""
    random = np.random.default_rng(0)
    outcomes = random.random(200) < 0.3
    design, deviation = np.ones((200, 1)), 1.5
    grid = np.linspace(-8, 8, 4001)
    values = [log_posterior(design, outcomes, np.array([deviation]), np.array([b])) for b in grid]
    integral = np.log(np.trapezoid(np.exp(values), grid))
    assert fit(design, outcomes, np.array([deviation])).evidence == pytest.approx(
        integral, abs=0.01
    )


def test_outcomes_that_are_all_alike_have_a_finite_mode() -> None:
    found = fit(np.ones((500, 1)), np.ones(500, np.bool_), np.array([5.0]))
    assert 0.995 < sigmoid(found.mode)[0] < 1


def test_probabilities_of_extreme_odds_are_finite() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
