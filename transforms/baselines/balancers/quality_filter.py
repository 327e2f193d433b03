"""The quality filter: the best samples, whatever they show."""

import numpy as np
from numpy.typing import NDArray

from transforms.config.balancers import BALANCERS, Balancer
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.statistics.histogram import Histogram

Vector = NDArray[np.float64]


def quality(histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance) -> Vector:
    """The samples of the highest utility, whole; those of the last utility kept, thinned evenly.

    It never repeats a sample: where eta is above 1, it keeps everything once.
    """
    most = min(asked.Q, 1.0)
    _, step = np.unique(-histogram.utility, return_inverse=True)
    sizes = np.bincount(step, histogram.counts) * most
    left = asked.rate * histogram.samples - (np.cumsum(sizes) - sizes)
    kept: Vector = most * np.clip(left / sizes, 0.0, 1.0)[step]
    return kept


BALANCERS.register(
    Balancer("quality filter", "the samples of the highest utility", quality, order=2)
)
