"""Bias measured on a corpus: representation bias, association bias and label skew.

Source: Alabdulmohsin et al., "CLIP the Bias", ICLR 2024 (arXiv 2403.04547);
the label skew and shares of a group are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from transforms.config.balance import ShareBound
from transforms.config.schema import Attribute
from transforms.statistics.histogram import Histogram
from transforms.statistics.json_arrays import JsonMatrix, JsonVector
from transforms.statistics.moments import Moments
from transforms.storage.documents import Finite

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Measures:
    """Bias of a corpus. What is undefined (no such samples) is nan.

    samples: their number, or the sum of their weights. share (m,): of each attribute, of all
    samples or within its group. RB (m,): |pi_k - share_k|, where there is a pi_k. AB (m, c),
    signed: label r's share among the samples with attribute k, minus its share among those without
    (for a share of the group: those with another attribute of the group). skew (m, c), signed:
    attribute k's share among the samples with label r, minus pi_k. label_share (c,): of all
    samples.
    """

    samples: Annotated[Finite, Field(ge=0)]
    share: JsonVector
    RB: JsonVector
    AB: JsonMatrix
    skew: JsonMatrix
    label_share: JsonVector

    @property
    def max_RB(self) -> float:
        """The representation bias of the corpus; 0 where it is undefined throughout."""
        return _largest(self.RB)

    @property
    def max_AB(self) -> float:
        """The association bias of the corpus; 0 where it is undefined throughout."""
        return _largest(self.AB)

    @property
    def max_skew(self) -> float:
        """The largest label skew of the corpus; 0 where it is undefined throughout."""
        return _largest(self.skew)


@dataclass(frozen=True)
class PerMeasure:
    """A number for each measure: RB (m,), AB (m, c), skew (m, c); nan where there is none."""

    RB: JsonVector
    AB: JsonMatrix
    skew: JsonMatrix

    def times(self, factor: float) -> "PerMeasure":
        """`factor` times as much."""
        return PerMeasure(factor * self.RB, factor * self.AB, factor * self.skew)


def measure(
    histogram: Histogram, attributes: tuple[Attribute, ...], weights: Matrix | None = None
) -> Measures:
    """The bias of the samples of `histogram`, each pattern's counted `weights` times, (P,).

    Attributes that are probabilities count for so much of a sample.
    """
    q = 1.0 if weights is None else weights
    return measures_of(Moments.of_corpus(histogram, attributes, q), attributes)


def measures_of(moments: Moments, attributes: tuple[Attribute, ...]) -> Measures:
    """The bias of the samples that `moments` sum up."""
    s, n, o = moments.s, moments.n, moments.o
    given = (attribute.target for attribute in attributes)
    targets = np.array([np.nan if target is None else target for target in given])
    shares = np.asarray(ratio(s[:, -1], n[:, -1]))
    association = ratio(s[:, :-1], s[:, -1:]) - ratio(o[:, :-1], o[:, -1:])
    return Measures(
        moments.total,
        shares,
        np.abs(targets - shares),
        association,
        ratio(s[:, :-1], n[:, :-1]) - targets[:, None],
        ratio(moments.y[:-1], moments.total),
    )


def excesses_of_shares(
    found: Measures,
    bounds: Sequence[ShareBound],
    attributes: Sequence[Attribute],
    labels: Sequence[str],
) -> Matrix:
    """By how much shares are beyond their bounds, (S,); below 0 within them."""
    of_attributes = dict(zip((one.name for one in attributes), found.share.tolist(), strict=True))
    of_labels = dict(zip(labels, found.label_share.tolist(), strict=True))
    shares = (of_labels if bound.attribute is None else of_attributes for bound in bounds)
    excesses = [
        bound.sign * (share[bound.name] - bound.bound)
        for bound, share in zip(bounds, shares, strict=True)
    ]
    return np.array(excesses, np.float64)


def effective_samples(histogram: Histogram, q: Matrix) -> float:
    """The effective sample size, (sum q)^2 / sum q^2, of the samples weighted by q, float64 (P,).

    As many evenly weighted samples as give a mean of the same variance; all of them where q is the
    same for all. Source: Kish, "Survey Sampling", 1965. 0 where every weight is 0.
    """
    squares = float(histogram.counts @ q**2)
    return float(histogram.counts @ q) ** 2 / squares if squares > 0 else 0.0


def ratio(part: Any, whole: Any) -> Any:
    """part / whole, broadcast; nan where whole is 0."""
    shape = np.broadcast_shapes(np.shape(part), np.shape(whole))
    return np.divide(
        part, whole, out=np.full(shape, np.nan), where=np.broadcast_to(whole, shape) > 0
    )


def _largest(values: Matrix) -> float:
    known = np.abs(values[~np.isnan(values)])
    return float(known.max(initial=0.0))
