"""Other ways to weigh a corpus, at the rate of M4: what it is compared with.

Each gives every pattern of a histogram a weight q in [0, Q], float64 (P,), of mean eta as far as
the method can; what each asks for is its own.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from transforms.baselines.quadratic_calibration import at_rate, calibrated
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.m4.targets import targets_of
from transforms.m4.terms import VACUOUS
from transforms.statistics.histogram import Histogram, distinct_rows
from transforms.statistics.moments import share_base

Vector = NDArray[np.float64]
Balancer = Callable[[Histogram, tuple[Attribute, ...], Balance], Vector]
_SWEEPS = 1_000
_SETTLED = 1e-12
_LEAST = 1e-15


def uniform(histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance) -> Vector:
    """Every sample alike: q = eta."""
    return np.full(len(histogram), asked.rate)


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


def calibration(histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance) -> Vector:
    """Quadratic calibration of all moments that a bound is asked for, with no tolerance."""
    targets = targets_of(attributes, histogram.labels, asked)
    pairs = (targets.AB < VACUOUS) | (targets.skew < VACUOUS)
    return calibrated(histogram, attributes, targets.RB < VACUOUS, pairs, asked.rate, asked.Q)


BALANCERS: Mapping[str, Balancer] = {
    "uniform": uniform,
    "quality filter": quality,
    "label caps": label_caps,
    "raking": raking,
    "quadratic calibration": calibration,
}


def _factors(
    mass: Vector, s: NDArray[np.bool_], attributes: tuple[Attribute, ...], k: int
) -> Vector:
    """What k's step multiplies each weight by, of masses (G,) of the distinct s, (G, m).

    1 where k cannot be raked, as no sample carries it, or all that count do.
    """
    base, target = share_base(s, attributes, k), attributes[k].target
    carried, whole = float(mass @ s[:, k]), float(mass @ base)
    if not 0 < carried < whole:
        return np.ones(len(mass))
    up = np.log(target * whole / carried)
    down = np.log((1 - target) * whole / (whole - carried))
    factors: Vector = np.exp(s[:, k] * up + (base - s[:, k]) * down)
    return factors
