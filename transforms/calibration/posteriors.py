"""The recognisers' calibration: log odds of true attributes, estimated from checked samples.

Regressing the truth on what was recognised is Cox's recalibration ("Two Further Applications of a
Model for Binary Regression", Biometrika 45, 1958), here for each recognised value by itself, with
effects of the labels and of the other recognised attributes (transforms/calibration/log_odds.py).
Under the prior (transforms/calibration/logistic_regression.py) a label of few checked samples falls
back on the overall rate. The samples may be drawn at random from the corpus, or at random within
each recognised value: given that value, both are random.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import fsspec
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from transforms.base.blas import one_thread
from transforms.base.errors import FairshardError, StaleError
from transforms.calibration.log_odds import CorrectedHistogram, LogOdds, feature_names
from transforms.calibration.logistic_regression import fit
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.settings import settings_digest
from transforms.statistics.histogram import Histogram
from transforms.storage.documents import Count, Document, Finite, parsed
from transforms.storage.wellformed import finite, well_formed

Matrix = NDArray[np.float64]
VERSION = 1
_FEWEST = 10
_INTERCEPT_WIDTH = 5.0
_ATTRIBUTE_WIDTH = 2.5
_LABEL_WIDTHS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


@dataclass(frozen=True)
class Posterior:
    """The calibration of one attribute where it is recognised, or where it is not.

    coefficients, float64 (1 + F,), are the intercept and the effects of F features, and
    covariance, (1 + F, 1 + F), is theirs; features, int64 (F,), are columns of (s, y). `width` is
    the prior's standard deviation of a label's effect. Of `checked` samples `true` carry it.
    """

    features: NDArray[np.int64]
    coefficients: Matrix
    covariance: Matrix
    width: float
    checked: int
    true: int

    @classmethod
    def of(cls, flags: NDArray[np.bool_], truth: NDArray[np.bool_], m: int) -> Self:
        """Estimated from n samples with flags (n, m + c), s first, and truths (n,).

        A feature has an effect where 10 samples have it and 10 do not.
        """
        carriers = flags.sum(axis=0)
        features = np.flatnonzero((carriers >= _FEWEST) & (len(flags) - carriers >= _FEWEST))
        design = np.column_stack([np.ones(len(flags)), flags[:, features]]).astype(np.float64)
        of_label = features >= m
        fits = []
        with one_thread():
            for width in _LABEL_WIDTHS if of_label.any() else _LABEL_WIDTHS[-1:]:
                widths = np.where(of_label, width, _ATTRIBUTE_WIDTH)
                fits.append((width, fit(design, truth, np.insert(widths, 0, _INTERCEPT_WIDTH))))
        width, best = max(fits, key=lambda entry: entry[1].evidence)
        return cls(features, best.mode, best.covariance, width, len(truth), int(truth.sum()))

    @property
    def rate(self) -> float:
        """The share of the checked samples that carry the attribute."""
        return self.true / self.checked

    @property
    def rate_interval(self) -> tuple[float, float]:
        """The 95 % interval of that share in the corpus, Jeffreys'.

        Brown, Cai and DasGupta, "Interval Estimation for a Binomial Proportion", Statistical
        Science 16 (2001), section 3.1.3.
        """
        from scipy.special import betaincinv

        untrue = self.checked - self.true
        low, high = betaincinv(self.true + 0.5, untrue + 0.5, (0.025, 0.975)).tolist()
        return low if self.true else 0.0, high if untrue else 1.0


@dataclass(frozen=True)
class Calibration:
    """The calibrations of the checked attributes of a schema, of m attributes and c labels.

    posteriors holds, by attribute, the posterior where it is not recognised and where it is.
    settings is the digest of what the labels depend on, made_from that of the label tables.
    """

    attributes: tuple[str, ...]
    labels: tuple[str, ...]
    posteriors: Mapping[str, tuple[Posterior, Posterior]]
    settings: str
    made_from: str

    @cached_property
    def odds(self) -> LogOdds:
        """The posteriors' modes."""
        width = 1 + len(self.attributes) + len(self.labels)
        effects = np.zeros((len(self.attributes), 2, width))
        for name, pair in self.posteriors.items():
            for value, posterior in enumerate(pair):
                at = np.insert(1 + posterior.features, 0, 0)
                effects[self.attributes.index(name), value, at] = posterior.coefficients
        return LogOdds(np.array([name in self.posteriors for name in self.attributes]), effects)

    def corrected(self, histogram: Histogram) -> CorrectedHistogram:
        """`histogram` with the probabilities of true attributes in place of recognised ones."""
        return CorrectedHistogram.of(histogram, self.odds)

    def covariance(self, k: int, value: int) -> Matrix:
        """The covariance of odds.effects[k, value], (1 + m + c, 1 + m + c).

        A feature that has no effect for want of samples has the prior's variance.
        """
        posterior, m = self.posteriors[self.attributes[k]][value], len(self.attributes)
        variances = np.full(1 + m + len(self.labels), posterior.width**2)
        variances[: 1 + m] = _ATTRIBUTE_WIDTH**2
        variances[1 + k] = 0.0
        covariance = np.diag(variances)
        at = np.insert(1 + posterior.features, 0, 0)
        covariance[np.ix_(at, at)] = posterior.covariance
        return covariance

    def to_json(self) -> bytes:
        """The calibration as a file holds it, features by name."""
        columns = feature_names(self.attributes, self.labels)
        file = _CalibrationFile(
            version=VERSION,
            settings=self.settings,
            made_from=self.made_from,
            attributes=self.attributes,
            labels=self.labels,
            posteriors={
                name: (_entry(without, columns), _entry(recognised, columns))
                for name, (without, recognised) in self.posteriors.items()
            },
        )
        return f"{json.dumps(file.to_dict(), ensure_ascii=False)}\n".encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """The inverse of `to_json`; raises, of any kind, where it is none."""
        file = parsed(content, _FORM)
        if file.version != VERSION:
            raise ValueError(f"version {file.version}")
        columns = feature_names(file.attributes, file.labels)
        at = {name: position - 1 for position, name in enumerate(columns)}
        posteriors = {
            name: (_posterior(without, at), _posterior(recognised, at))
            for name, (without, recognised) in file.posteriors.items()
        }
        if not posteriors.keys() <= set(file.attributes):
            raise ValueError("a calibration of other attributes")
        return cls(file.attributes, file.labels, posteriors, file.settings, file.made_from)


class _PosteriorEntry(Document):
    """A posterior on file: its features by name."""

    checked: Count
    true: Count
    width: Finite
    features: tuple[str, ...]
    coefficients: tuple[Finite, ...]
    covariance: tuple[tuple[Finite, ...], ...]


class _CalibrationFile(Document):
    """A calibration as it is on file."""

    version: int
    settings: str
    made_from: str
    attributes: tuple[str, ...]
    labels: tuple[str, ...]
    posteriors: dict[str, tuple[_PosteriorEntry, _PosteriorEntry]]


_FORM = TypeAdapter(_CalibrationFile)


def _entry(posterior: Posterior, columns: tuple[str, ...]) -> _PosteriorEntry:
    return _PosteriorEntry(
        checked=posterior.checked,
        true=posterior.true,
        width=posterior.width,
        features=tuple(columns[1 + feature] for feature in posterior.features),
        coefficients=tuple(posterior.coefficients.tolist()),
        covariance=tuple(map(tuple, posterior.covariance.tolist())),
    )


def _posterior(entry: _PosteriorEntry, at: Mapping[str, int]) -> Posterior:
    terms = 1 + len(entry.features)
    finite(entry.width**2, ())
    return Posterior(
        np.array([at[feature] for feature in entry.features], dtype=np.int64),
        finite(entry.coefficients, (terms,)),
        finite(entry.covariance, (terms, terms)),
        entry.width,
        entry.checked,
        entry.true,
    )


def read_calibration(url: str) -> Calibration:
    """The calibration in a file, on any fsspec storage; FairshardError where there is none."""
    content = calibration_bytes(url)
    with well_formed(
        f"{url} is not a calibration that this fairshard reads: run `fairshard calibrate` again"
    ):
        return Calibration.from_json(content)


def calibration_bytes(url: str) -> bytes:
    """The bytes of a calibration's file; FairshardError where there is none."""
    try:
        with fsspec.open(url, "rb") as stream:
            return bytes(stream.read())
    except FileNotFoundError as error:
        raise FairshardError(
            f"the calibration {url} does not exist: run `fairshard calibrate`, or correct "
            "`calibration` in the configuration"
        ) from error


def fitting_calibration(config: Config) -> Calibration | None:
    """The calibration that `config` names, if it names one.

    Raises StaleError where it was made with other recognisers or names than those of `config`.
    """
    if config.calibration is None:
        return None
    calibration = read_calibration(config.calibration)
    schema = schema_of(config)
    names = tuple(attribute.name for attribute in schema.attributes), schema.labels
    made_for = calibration.settings, (calibration.attributes, calibration.labels)
    if made_for != (settings_digest(config), names):
        raise StaleError(
            f"the calibration {config.calibration} was made with other labels than this "
            "configuration's: check samples of these and run `fairshard calibrate` again"
        )
    return calibration
