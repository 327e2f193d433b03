"""Bias measured on a corpus: representation bias, association bias and label skew.

Source: Alabdulmohsin et al., "CLIP the Bias", ICLR 2024 (arXiv 2403.04547);
the label skew and shares of a group are ours.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from transforms.histogram import Histogram
from transforms.schema import Attribute
from transforms.terms import share_base

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Measures:
    """Bias of a corpus. What is undefined (no such samples) is nan.

    samples: their number, or the sum of their weights. share (m,): of each attribute, of all
    samples or within its group. RB (m,): |pi_k - share_k|. AB (m, c), signed: label r's share
    among the samples with attribute k, minus its share among those without (for a share of the
    group: those with another attribute of the group). skew (m, c), signed: attribute k's share
    among the samples with label r, minus pi_k. label_share (c,): of all samples.
    """

    samples: float
    share: Matrix
    RB: Matrix
    AB: Matrix
    skew: Matrix
    label_share: Matrix

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

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON holds them: nested lists, null where undefined."""
        return {name: jsonable(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        samples = float(values["samples"])
        attributes, labels = len(values["share"]), len(values["label_share"])
        shapes = {
            "share": (attributes,),
            "RB": (attributes,),
            "AB": (attributes, labels),
            "skew": (attributes, labels),
            "label_share": (labels,),
        }
        arrays = {
            name: np.array(values[name], dtype=np.float64).reshape(shape)
            for name, shape in shapes.items()
        }
        return cls(samples, **arrays)


def measure(
    histogram: Histogram, attributes: tuple[Attribute, ...], weights: Matrix | None = None
) -> Measures:
    """The bias of the samples of `histogram`, each pattern's counted `weights` times, (P,).

    Attributes that are probabilities count for so much of a sample.
    """
    mass = histogram.counts * (1.0 if weights is None else weights)
    samples = float(mass.sum())
    label_mass = mass @ histogram.y
    share, skew, association = [], [], []
    for k, attribute in enumerate(attributes):
        carried = mass * histogram.s[:, k]
        each = share_base(histogram.s, attributes, k)
        base, among = mass * each, mass * np.minimum(each, 1.0)
        carried_labels, base_labels = carried @ histogram.y, base @ histogram.y
        among_labels = label_mass if attribute.share_of == "all" else among @ histogram.y
        without = among - carried
        share.append(ratio(carried.sum(), base.sum()))
        skew.append(ratio(carried_labels, base_labels) - attribute.target)
        association.append(
            ratio(carried_labels, carried.sum())
            - ratio(among_labels - carried_labels, without.sum())
        )
    shape = (len(attributes), len(histogram.labels))
    shares = np.array(share, dtype=np.float64).reshape(-1)
    targets = np.array([attribute.target for attribute in attributes])
    return Measures(
        samples,
        shares,
        np.abs(targets - shares),
        np.array(association).reshape(shape),
        np.array(skew).reshape(shape),
        ratio(label_mass, samples),
    )


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


def jsonable(value: Any) -> Any:
    """An array as nested lists, null where it is nan; anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    objects = value.astype(object)
    objects[np.isnan(value)] = None
    return objects.tolist()
