"""MetaCLIP's balancing: labels that are common are capped."""

import numpy as np
from numpy.typing import NDArray

from transforms.baselines.quadratic_calibration import at_rate
from transforms.config.balancers import BALANCERS, Balancer
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.statistics.histogram import Histogram

Vector = NDArray[np.float64]


def label_caps(histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance) -> Vector:
    """MetaCLIP's balancing: each label keeps about t samples, the same t for all.

    A label r of n_r samples keeps each of them with probability min(1, t / n_r), and a sample is
    kept if any of its labels keeps it: q = 1 - prod_r (1 - min(1, t / n_r)). Samples without
    labels, which MetaCLIP has none of, count as those of one more label. t is such that
    E[q] = eta; where eta is above 1, everything is kept once.

    Source: Xu et al., "Demystifying CLIP Data", ICLR 2024 (arXiv 2309.16671), algorithm 1.
    """
    most = min(asked.Q, 1.0)
    found = np.maximum(histogram.counts @ histogram.y, 1)
    bare = histogram.y.sum(axis=1) == 0
    unlabelled = max(float(histogram.counts[bare].sum()), 1.0)

    def kept(t: float) -> Vector:
        with np.errstate(divide="ignore"):
            missed = histogram.y @ np.log1p(-np.minimum(t / found, 1.0))
        share = np.where(bare, min(t / unlabelled, 1.0), -np.expm1(missed))
        return np.minimum(share, most)

    most_found = max(float(found.max(initial=1)), unlabelled)
    return at_rate(kept, 0.0, most_found, histogram.counts / histogram.samples, asked.rate)


BALANCERS.register(
    Balancer(
        "label caps", "each label keeps about as many samples, as in MetaCLIP", label_caps, order=3
    )
)
