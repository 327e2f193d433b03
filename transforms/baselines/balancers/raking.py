"""Raking: the shares of attributes, one after the other, until all hold."""

import numpy as np
from numpy.typing import NDArray

from transforms.baselines.quadratic_calibration import at_rate
from transforms.config.balancers import BALANCERS, Balancer
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.m4.targets import targets_of
from transforms.m4.terms import VACUOUS
from transforms.statistics.histogram import Histogram, distinct_rows
from transforms.statistics.moments import share_base

Vector = NDArray[np.float64]
_SWEEPS = 1_000
_SETTLED = 1e-12
_LEAST = 1e-15


def raking(histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance) -> Vector:
    """Iterative proportional fitting: attributes, in turn, are set to the shares wanted of them.

    A sweep multiplies the weights of those that carry an attribute, and of the others in what its
    share is taken of, until all shares hold (1,000 sweeps at most); the weights are then scaled to
    E[q] = eta and cut at Q, where shares may be left off target. Only attributes whose
    representation bias is bounded are raked. A sample with several attributes of a group gets all
    their factors.

    Source: Deming and Stephan, "On a least squares adjustment of a sampled frequency table when
    the expected marginal totals are known", Annals of Mathematical Statistics 11 (1940).
    """
    bounded = targets_of(attributes, histogram.labels, asked).RB < VACUOUS
    s, group = distinct_rows(histogram.s)
    counts = np.bincount(group, histogram.counts)
    weights = np.ones(len(s))
    for _ in range(_SWEEPS):
        change = 0.0
        for k in np.flatnonzero(bounded).tolist():
            factors = _factors(weights * counts, s, attributes, k)
            weights *= factors
            change = max(change, float(np.abs(factors - 1.0).max()))
        weights = np.maximum(weights / weights.max(), _LEAST)
        if change <= _SETTLED:
            break
    shares = histogram.counts / histogram.samples
    return at_rate(
        lambda scale: np.minimum(scale * weights, asked.Q)[group],
        0.0,
        asked.Q / float(weights.min()),
        shares,
        asked.rate,
    )


def _factors(
    mass: Vector, s: NDArray[np.bool_], attributes: tuple[Attribute, ...], k: int
) -> Vector:
    """What k's step multiplies each weight by, of masses (G,) of the distinct s, (G, m).

    1 where k cannot be raked, as no sample carries it, or all that count do.
    """
    base, target = share_base(s, attributes, k), attributes[k].pi
    carried, whole = float(mass @ s[:, k]), float(mass @ base)
    if not 0 < carried < whole:
        return np.ones(len(mass))
    up = np.log(target * whole / carried)
    down = np.log((1 - target) * whole / (whole - carried))
    factors: Vector = np.exp(s[:, k] * up + (base - s[:, k]) * down)
    return factors


BALANCERS.register(
    Balancer(
        "raking",
        "shares of attributes set to their targets in turn until all hold",
        raking,
        order=4,
    )
)
