"""How far sampling whole samples may move the measures of an output from the plan's."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.histogram import Histogram
from transforms.schema import Attribute
from transforms.terms import share_base

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Bounds:
    """A number for each measure: RB (m,), AB (m, c), skew (m, c); nan where there is none."""

    RB: Vector
    AB: Vector
    skew: Vector


@dataclass(frozen=True)
class _Part:
    """One attribute k in a weighted corpus: masks and bases, float64 (P,), by pattern.

    s: carries k; base: what k's share is taken of; among: takes part in k's AB. disjoint: no
    sample counts twice in base.
    """

    s: Vector
    base: Vector
    among: Vector
    disjoint: bool


def sampling_error(histogram: Histogram, attributes: tuple[Attribute, ...], q: Vector) -> Bounds:
    """The standard errors of the measures of an output drawn with weights q, float64 (P,).

    Those of independent draws, to first order in the deviations: a sample is drawn floor(q) or
    ceil(q) times, with variance f (1 - f) for f = q - floor(q). Systematic sampling does better.
    """
    mass = histogram.counts * q
    fraction = q - np.floor(q)
    variance = histogram.counts * fraction * (1 - fraction)
    rows = []
    for part in _parts(histogram, attributes):
        base = mass * part.base
        share = _ratio((mass * part.s).sum(), base.sum())
        spread = variance @ (part.s - share * part.base) ** 2
        carriers, others = part.s, part.among * (1 - part.s)
        association = _share_variance(mass * carriers, variance * carriers, histogram.y)
        association += _share_variance(mass * others, variance * others, histogram.y)
        labelled = base @ histogram.y
        within = _ratio((mass * part.s) @ histogram.y, labelled)
        squares = [
            (variance * weight) @ histogram.y
            for weight in (part.s, part.s * part.base, part.base**2)
        ]
        skew = squares[0] - 2 * within * squares[1] + within**2 * squares[2]
        rows.append(
            (
                np.sqrt(_ratio(spread, base.sum() ** 2)),
                np.sqrt(association),
                np.sqrt(np.maximum(_ratio(skew, labelled**2), 0.0)),
            )
        )
    return _stacked(rows, histogram)


def _parts(histogram: Histogram, attributes: tuple[Attribute, ...]) -> Iterator[_Part]:
    for k, attribute in enumerate(attributes):
        base = share_base(histogram.s, attributes, k)
        among = np.ones(len(base)) if attribute.share_of == "all" else (base > 0).astype(float)
        yield _Part(histogram.s[:, k].astype(float), base, among, bool(np.all(base <= 1)))


def _share_variance(mass: Vector, variance: Vector, y: sp.csr_array) -> Vector:
    """The variance of each label's share among the samples that `mass` weighs, (c,)."""
    whole = mass.sum()
    share = _ratio(mass @ y, whole)
    squares = (1 - 2 * share) * (variance @ y) + share**2 * variance.sum()
    return np.maximum(_ratio(squares, whole**2), 0.0)


def _ratio(part: Vector | float, whole: Vector | float) -> Vector:
    shape = np.broadcast_shapes(np.shape(part), np.shape(whole))
    ratio: Vector = np.full(shape, np.nan)
    np.divide(part, whole, out=ratio, where=np.broadcast_to(np.asarray(whole) > 0, shape))
    return ratio


def _stacked(rows: list[tuple[Vector, Vector, Vector]], histogram: Histogram) -> Bounds:
    shape = (len(rows), len(histogram.labels))
    representation, association, skew = (list(column) for column in zip(*rows, strict=True))
    return Bounds(
        np.array(representation, dtype=np.float64).reshape(len(rows)),
        np.array(association, dtype=np.float64).reshape(shape),
        np.array(skew, dtype=np.float64).reshape(shape),
    )
