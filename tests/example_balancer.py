"""Rare patterns first: the weight of a sample falls with the root of how common its pattern is."""

import numpy as np
from numpy.typing import NDArray

from transforms.baselines.quadratic_calibration import at_rate
from transforms.config.balancers import BALANCERS, Balancer
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.statistics.histogram import Histogram

Vector = NDArray[np.float64]


def rare_first(histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance) -> Vector:
    """q = min(t / sqrt(count), Q), with t such that E[q] = eta."""
    wanted = 1 / np.sqrt(histogram.counts)
    return at_rate(
        lambda t: np.minimum(t * wanted, asked.Q),
        0.0,
        asked.Q / float(wanted.min()),
        histogram.counts / histogram.samples,
        asked.rate,
    )


BALANCERS.register(Balancer("rare first", "the rarer a pattern, the more it weighs", rare_first))
