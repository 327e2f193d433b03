"""Quadratic calibration as a balancer."""

import numpy as np
from numpy.typing import NDArray

from transforms.baselines.quadratic_calibration import calibrated
from transforms.config.balancers import BALANCERS, Balancer
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.m4.targets import targets_of
from transforms.m4.terms import VACUOUS
from transforms.statistics.histogram import Histogram

Vector = NDArray[np.float64]


def calibration(histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance) -> Vector:
    """Quadratic calibration of all moments that a bound is asked for, with no tolerance."""
    targets = targets_of(attributes, histogram.labels, asked)
    pairs = (targets.AB < VACUOUS) | (targets.skew < VACUOUS)
    return calibrated(histogram, attributes, targets.RB < VACUOUS, pairs, asked.rate, asked.Q)


BALANCERS.register(
    Balancer(
        "quadratic calibration",
        "nearest to uniform with every moment balanced, without tolerance",
        calibration,
        order=5,
    )
)
