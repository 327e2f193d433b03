"""Standard errors of measures: of drawing an output, and of the corpus as a sample itself."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.config.schema import Attribute
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import PerMeasure, ratio
from transforms.statistics.moments import share_base

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class _Members:
    """One attribute k in a weighted corpus, float64 (P,) each, by pattern.

    s: carries k; base: what k's share is taken of; among: takes part in k's AB.
    """

    s: Vector
    base: Vector
    among: Vector


def together(errors: PerMeasure, others: PerMeasure) -> PerMeasure:
    """The standard errors of sums of what errs independently."""
    pairs = ((getattr(errors, name), getattr(others, name)) for name in ("RB", "AB", "skew"))
    return PerMeasure(*(np.hypot(one, other) for one, other in pairs))


def worst_of(values: Vector, errors: Vector) -> tuple[float, float]:
    """The largest absolute value and its standard error; nan where there is none."""
    size = np.abs(values).ravel()
    if np.isnan(size).all():
        return float("nan"), float("nan")
    at = np.nanargmax(size)
    return float(size[at]), float(errors.ravel()[at])


def sampling_error(
    histogram: Histogram, attributes: tuple[Attribute, ...], q: Vector
) -> PerMeasure:
    """The standard errors of the measures of an output drawn with weights q, float64 (P,).

    Those of independent draws, to first order in the deviations: a sample is drawn floor(q) or
    ceil(q) times, with variance f (1 - f) for f = q - floor(q). Systematic sampling does better.
    Attributes that are probabilities are carried or not, with these.
    """
    fraction = q - np.floor(q)
    return _errors(histogram, attributes, q, histogram.counts * fraction * (1 - fraction))


def corpus_error(histogram: Histogram, attributes: tuple[Attribute, ...], q: Vector) -> PerMeasure:
    """The standard errors of the measures under fixed weights q, float64 (P,), of another corpus
    of as many samples from the same source.

    To first order in the deviations: each sample brings its weight's square.
    """
    return _errors(histogram, attributes, q, histogram.counts * q**2)


def _errors(
    histogram: Histogram, attributes: tuple[Attribute, ...], q: Vector, variance: Vector
) -> PerMeasure:
    """The errors of measures under weights q, of patterns' masses of a `variance`, (P,)."""
    mass = histogram.counts * q
    rows = []
    for who in _members(histogram, attributes):
        base = mass * who.base
        share = ratio((mass * who.s).sum(), base.sum())
        spread = variance @ (who.s * (1 - 2 * share * who.base) + (share * who.base) ** 2)
        carriers, others = who.s, who.among - who.s
        association = _share_variance(mass * carriers, variance * carriers, histogram.y)
        association += _share_variance(mass * others, variance * others, histogram.y)
        labelled = base @ histogram.y
        within = ratio((mass * who.s) @ histogram.y, labelled)
        squares = [
            (variance * weight) @ histogram.y for weight in (who.s, who.s * who.base, who.base**2)
        ]
        skew = squares[0] - 2 * within * squares[1] + within**2 * squares[2]
        rows.append(
            (
                np.sqrt(np.maximum(ratio(spread, base.sum() ** 2), 0.0)),
                np.sqrt(association),
                np.sqrt(np.maximum(ratio(skew, labelled**2), 0.0)),
            )
        )
    return _stacked(rows, histogram)


def _members(histogram: Histogram, attributes: tuple[Attribute, ...]) -> Iterator[_Members]:
    for k in range(len(attributes)):
        base = share_base(histogram.s, attributes, k)
        yield _Members(histogram.s[:, k].astype(float), base, np.minimum(base, 1.0))


def _share_variance(mass: Vector, variance: Vector, y: sp.csr_array) -> Vector:
    """The variance of each label's share among the samples that `mass` weighs, (c,)."""
    whole = mass.sum()
    share = ratio(mass @ y, whole)
    squares = (1 - 2 * share) * (variance @ y) + share**2 * variance.sum()
    of_share: Vector = np.maximum(ratio(squares, whole**2), 0.0)
    return of_share


def _stacked(rows: list[tuple[Vector, Vector, Vector]], histogram: Histogram) -> PerMeasure:
    shape = (len(rows), len(histogram.labels))
    representation, association, skew = (list(column) for column in zip(*rows, strict=True))
    return PerMeasure(
        np.array(representation, dtype=np.float64).reshape(len(rows)),
        np.array(association, dtype=np.float64).reshape(shape),
        np.array(skew, dtype=np.float64).reshape(shape),
    )
