"""No balancing: every sample alike."""

import numpy as np
from numpy.typing import NDArray

from transforms.config.balancers import BALANCERS, Balancer
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.statistics.histogram import Histogram

Vector = NDArray[np.float64]


def uniform(histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance) -> Vector:
    """Every sample alike: q = eta."""
    return np.full(len(histogram), asked.rate)


BALANCERS.register(Balancer("uniform", "every sample alike", uniform, order=1))
