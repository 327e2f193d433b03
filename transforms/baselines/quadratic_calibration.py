"""Quadratic calibration: the weights nearest to uniform that have given moments."""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize

from transforms.base.blas import one_thread
from transforms.config.schema import Attribute
from transforms.statistics.histogram import Histogram
from transforms.statistics.moments import share_base

Vector = NDArray[np.float64]
_ROUNDS = 5_000
_RIDGE = 1e-6
_SLOPE = 1e-9
_EXACT = 1e-15


def calibrated(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    representation: NDArray[np.bool_],
    association: NDArray[np.bool_],
    eta: float,
    Q: float,
) -> Vector:
    """The weights q, float64 (P,), nearest to eta in squares that balance the chosen moments:

        minimise 1/2 E[(q - eta)^2]   over 0 <= q <= Q, E[q] = eta,
        E[q D_k] = 0 of the attributes that `representation`, bool (m,), chooses and
        E[q D_k y_r] = 0 of the pairs that `association`, bool (m, c), chooses

    with D_k as in transforms/m4/terms.py. It is M4 with no tolerance, no utility and no largest
    price. The dual, E[phi(z . v + mu)] - mu eta with phi' = clip(eta + ., 0, Q), is smooth and is
    minimised by L-BFGS-B; a small ridge keeps it bounded where moments cannot be balanced: their
    squares, over the moments' own, then weigh 1 / (2 * 10^-6) in what is minimised.

    Source: Wang, Miao and Sun, "A Python library for empirical calibration", 2019 (arXiv
    1906.11920), whose weights are bounded sample by sample; bounded by Q here.
    """
    moments = _moments(histogram, attributes, representation, association)
    shares = histogram.counts / histogram.samples
    spread = np.sqrt(moments.multiply(moments).T @ shares)
    scaled = sp.csr_array(moments @ sp.diags_array(1 / np.where(spread > 0, spread, 1.0)))

    def dual(prices: Vector) -> tuple[float, Vector]:
        lift = scaled @ prices[:-1] + prices[-1]
        q = np.clip(eta + lift, 0.0, Q)
        value = shares @ (q * lift - (q - eta) ** 2 / 2) - eta * prices[-1]
        slope = scaled.T @ (shares * q) + _RIDGE * prices[:-1]
        value += _RIDGE / 2 * (prices[:-1] @ prices[:-1])
        return value, np.append(slope, shares @ q - eta)

    with one_thread():
        found = minimize(
            dual,
            np.zeros(scaled.shape[1] + 1),
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": _ROUNDS,
                "maxfun": 2 * _ROUNDS,
                "gtol": _SLOPE,
                "ftol": 0.0,
                "maxcor": 30,
            },
        )
    lift = scaled @ found.x[:-1]
    reach = float(np.abs(lift).max()) + Q
    return at_rate(lambda mu: np.clip(eta + lift + mu, 0.0, Q), -reach, reach, shares, eta)


def at_rate(
    weights: Callable[[float], Vector], low: float, high: float, shares: Vector, eta: float
) -> Vector:
    """weights(x), (P,), for the x in [low, high] where their mean, which grows with x, is eta.

    shares, (P,), are the patterns' parts of the corpus. Where the mean stays below: weights(high).
    """
    if float(shares @ weights(high)) <= eta:
        return weights(high)
    found = brentq(
        lambda x: float(shares @ weights(x)) - eta, low, high, xtol=_EXACT, rtol=4 * _EXACT
    )
    return weights(float(found))


def _moments(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    representation: NDArray[np.bool_],
    association: NDArray[np.bool_],
) -> sp.csr_array:
    """z of every pattern, float64 (P, K): the chosen D_k, then the chosen D_k y_r."""
    blocks: list[sp.csr_array] = [sp.csr_array((len(histogram), 0))]
    for k, attribute in enumerate(attributes):
        share = histogram.s[:, k] - attribute.pi * share_base(histogram.s, attributes, k)
        column = sp.csr_array(share.reshape(-1, 1))
        if representation[k]:
            blocks.append(column)
        blocks.append(sp.csr_array(histogram.y[:, association[k]].multiply(column)))
    return sp.csr_array(sp.hstack(blocks, format="csr"))
