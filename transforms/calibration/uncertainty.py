"""How far the calibration's own error may move the corrected measures of a corpus."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.calibration.log_odds import CorrectedHistogram
from transforms.calibration.posteriors import Calibration
from transforms.config.schema import Attribute
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import PerMeasure
from transforms.statistics.moments import share_base
from transforms.statistics.standard_errors import corpus_error, together

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class _Slopes:
    """By how much a mass changes with T coefficients: in all (T,), and among each label (c, T)."""

    whole: Matrix
    labelled: Matrix

    def times(self, factor: float) -> "_Slopes":
        """`factor` times as much."""
        return _Slopes(factor * self.whole, factor * self.labelled)


@dataclass(frozen=True)
class _Variances:
    """The variances of an attribute's measures: RB, AB (c,), skew (c,)."""

    RB: float
    AB: Matrix
    skew: Matrix

    def plus(self, gradients: PerMeasure, covariance: Matrix) -> "_Variances":
        """With those that coefficients of a `covariance` add."""
        return _Variances(
            self.RB + float(gradients.RB @ covariance @ gradients.RB),
            self.AB + ((gradients.AB @ covariance) * gradients.AB).sum(axis=1),
            self.skew + ((gradients.skew @ covariance) * gradients.skew).sum(axis=1),
        )


def calibration_error(
    histogram: Histogram, calibration: Calibration, attributes: tuple[Attribute, ...], q: Matrix
) -> PerMeasure:
    """What the calibration leaves uncertain in corrected measures under weights q, float64 (P,).

    Standard errors by the delta method: to first order in the coefficients, whose covariance is
    the calibration's. Attributes of a group were checked in the same samples and mostly exclude
    each other, so that their errors are taken to add up, which no correlation exceeds. The
    corpus's true attributes scatter around their probabilities too, but less, by the root of
    checked samples over samples.
    """
    m, c = len(attributes), len(histogram.labels)
    corpus = calibration.corrected(histogram)
    mass = corpus.counts * q
    y, recognised, s = corpus.y, corpus.recognised, corpus.s
    design = sp.csr_array(sp.hstack([np.ones((len(q), 1)), recognised.astype(float), y]))
    masses = [_Masses.of(mass, corpus, attributes, k) for k in range(m)]
    errors = PerMeasure(np.zeros(m), np.zeros((m, c)), np.zeros((m, c)))
    for j in np.flatnonzero(corpus.odds.checked).tolist():
        among = share_base(s, attributes, j) < 1
        influenced = _influenced(attributes, j)
        variances = {k: _Variances(0.0, np.zeros(c), np.zeros(c)) for k in influenced}
        for value in (0, 1):
            moved = mass * s[:, j] * (1 - s[:, j]) * (recognised[:, j] == value)
            of_all, of_among = _slopes(moved, y, design), _slopes(moved * among, y, design)
            covariance = calibration.covariance(j, value)
            for k in influenced:
                grouped = float(attributes[k].share_of == "group")
                gradients = _gradients(
                    masses[k],
                    of_all.times(float(k == j)),
                    of_all.times(grouped),
                    of_among.times(grouped),
                )
                variances[k] = variances[k].plus(gradients, covariance)
        for k, variance in variances.items():
            errors.RB[k] += np.sqrt(variance.RB)
            errors.AB[k] += np.sqrt(variance.AB)
            errors.skew[k] += np.sqrt(variance.skew)
    return errors


def measured_error(
    corpus: Histogram,
    calibration: Calibration | None,
    attributes: tuple[Attribute, ...],
    q: Matrix,
    share: float = 1.0,
) -> PerMeasure:
    """The standard errors of the measures of `corpus` under fixed weights q, float64 (P,).

    Those of the corpus as a sample and, where there is a calibration, of that. Where the patterns
    are a `share` of the corpus, the errors are those of all of it.
    """
    of_corpus = corpus_error(corpus, attributes, q).times(share**0.5)
    if calibration is None:
        return of_corpus
    return together(of_corpus, calibration_error(corpus, calibration, attributes, q))


@dataclass(frozen=True)
class _Masses:
    """The masses of which attribute k's measures are ratios: in all, and by label, (c,).

    s carries k, base is what its share is taken of, among takes part in its AB.
    """

    s: float
    base: float
    among: float
    s_labelled: Matrix
    base_labelled: Matrix
    among_labelled: Matrix

    @classmethod
    def of(
        cls,
        mass: Matrix,
        histogram: CorrectedHistogram,
        attributes: tuple[Attribute, ...],
        k: int,
    ) -> "_Masses":
        """Those of a corpus in which the patterns have `mass`, (P,)."""
        each = share_base(histogram.s, attributes, k)
        s, base, among = mass * histogram.s[:, k], mass * each, mass * np.minimum(each, 1.0)
        y = histogram.y
        return cls(s.sum(), base.sum(), among.sum(), s @ y, base @ y, among @ y)


def _gradients(at: _Masses, s: _Slopes, base: _Slopes, among: _Slopes) -> PerMeasure:
    """The gradients of RB's share (T,), AB (c, T) and skew (c, T) of one attribute."""
    share = _over(s.whole - _over(at.s, at.base) * base.whole, at.base)
    within = _over(at.s_labelled, at.base_labelled)[:, None]
    skew = _over(s.labelled - within * base.labelled, at.base_labelled[:, None])
    with_ = _over(at.s_labelled, at.s)[:, None]
    others = at.among - at.s
    without = _over(at.among_labelled - at.s_labelled, others)[:, None]
    association = _over(s.labelled - with_ * s.whole, at.s)
    lacking = _Slopes(among.whole - s.whole, among.labelled - s.labelled)
    association = association - _over(lacking.labelled - without * lacking.whole, others)
    return PerMeasure(share, association, skew)


def _slopes(moved: Matrix, y: sp.csr_array, design: sp.csr_array) -> _Slopes:
    weighted = sp.csr_array(design.multiply(moved[:, None]))
    return _Slopes(np.asarray(moved @ design), (y.T @ weighted).toarray())


def _influenced(attributes: tuple[Attribute, ...], j: int) -> list[int]:
    """The attributes whose measures depend on attribute j."""
    if attributes[j].share_of == "all":
        return [j]
    return [k for k, other in enumerate(attributes) if other.group == attributes[j].group]


def _over(part: Any, whole: Any) -> Any:
    shape = np.broadcast_shapes(np.shape(part), np.shape(whole))
    known = np.broadcast_to(np.asarray(whole) > 0, shape)
    return np.divide(part, whole, out=np.full(shape, np.nan), where=known)
