"""Logistic regression with a Gaussian prior, and the Gaussian that approximates its posterior.

The mode is found by Newton's method (iteratively reweighted least squares); the covariance is the
inverse of the curvature there (Laplace's approximation). The prior's width on the effects is the
one of the largest approximate evidence: MacKay, "The Evidence Framework Applied to Classification
Networks", Neural Computation 4 (1992). A weakly informative prior on the rest keeps the mode
finite where the outcome is always the same: Gelman et al., "A weakly informative default prior
distribution for logistic and other regression models", Annals of Applied Statistics 2 (2008).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.base.errors import FairshardError

Matrix = NDArray[np.float64]
_MAX_STEPS = 100
_SETTLED = 1e-10
_SMALLEST_STEP = 1e-12


@dataclass(frozen=True)
class Fit:
    """The posterior of T coefficients as a Gaussian: its mode (T,), its covariance (T, T).

    evidence is the logarithm of the outcomes' probability under the prior, approximately.
    """

    mode: Matrix
    covariance: Matrix
    evidence: float


def fit(design: Matrix, outcomes: NDArray[np.bool_], deviations: Matrix) -> Fit:
    """The posterior of coefficients whose prior is normal, of mean 0 and `deviations` (T,).

    design is float64 (n, T), outcomes (n,). Raises FairshardError where Newton's method fails,
    which a proper prior and finite numbers rule out.
    """
    precision = deviations**-2.0
    mode = np.zeros(design.shape[1])
    value = _log_posterior(design, outcomes, precision, mode)
    for _ in range(_MAX_STEPS):
        likely = sigmoid(design @ mode)
        gradient = design.T @ (outcomes - likely) - precision * mode
        curvature = (design.T * (likely * (1 - likely))) @ design + np.diag(precision)
        step = np.linalg.solve(curvature, gradient)
        if gradient @ step <= _SETTLED:
            log_volume = np.linalg.slogdet(curvature)[1] - np.log(precision).sum()
            covariance = np.asarray(np.linalg.inv(curvature), dtype=np.float64)
            return Fit(mode, covariance, float(value - log_volume / 2))
        length = 1.0
        while (
            _log_posterior(design, outcomes, precision, mode + length * step) < value
            and length > _SMALLEST_STEP
        ):
            length /= 2
        mode = mode + length * step
        value = _log_posterior(design, outcomes, precision, mode)
    raise FairshardError("the calibration did not converge: are the checked samples' labels valid?")


def sigmoid(log_odds: Matrix) -> Matrix:
    """The probability of each log odds, without overflow."""
    odds = np.exp(-np.abs(log_odds))
    probability: Matrix = np.where(log_odds < 0, odds, 1.0) / (1.0 + odds)
    return probability


def _log_posterior(
    design: Matrix, outcomes: NDArray[np.bool_], precision: Matrix, coefficients: Matrix
) -> float:
    """The logarithm of likelihood times prior, the prior's constant apart."""
    log_odds = design @ coefficients
    likelihood = np.where(outcomes, log_odds, 0.0) - np.logaddexp(0.0, log_odds)
    return float(likelihood.sum() - precision @ coefficients**2 / 2)
