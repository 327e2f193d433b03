"""True attributes as probabilities, given what was recognised: soft attributes.

For attribute k and each recognised value v, the log odds that a sample truly carries k are

    log odds P(true s_k = 1 | s, y, s_k = v)  =  b_v + sum_j e_vj x_j

with effects of the labels and of the other recognised attributes x (their estimation:
transforms/calibration/posteriors.py). Weights depend on what is recognised alone, and so

    E[q s_true] = E[q E[s_true | s, y]],

exactly, whatever q is: every moment of the true attributes under q is one of these probabilities.
The usual inversion, (share recognised - fpr) / (tpr - fpr) (Rogan and Gladen, American Journal of
Epidemiology 107, 1978), is for a corpus taken whole: once q depends on the recognised value, other
error rates hold among the kept samples, and it is biased.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from transforms.calibration.logistic_regression import sigmoid
from transforms.statistics.histogram import Histogram

if TYPE_CHECKING:
    import scipy.sparse as sp

Matrix = NDArray[np.float64]
NamedEffects = dict[str, tuple[dict[str, float], dict[str, float]]]
INTERCEPT = "intercept"
_STEPS_OF_ODDS = 128
_STEPS_OF_PROBABILITY = 2**24


def feature_names(attributes: tuple[str, ...], labels: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the log odds' terms, (1 + m + c): the intercept, then columns of a table."""
    return (INTERCEPT, *(f"s.{name}" for name in attributes), *(f"y.{name}" for name in labels))


@dataclass(frozen=True)
class LogOdds:
    """The log odds of true attributes: effects, float64 (m, 2, 1 + m + c), by attribute,
    recognised value and feature: the intercept, the attributes, the labels.

    checked, bool (m,), says for which attributes; the others are taken as recognised.
    """

    checked: NDArray[np.bool_]
    effects: Matrix

    def to_dict(self, attributes: tuple[str, ...], labels: tuple[str, ...]) -> NamedEffects:
        """The effects by attribute, recognised value and feature, where they are not 0."""
        columns = feature_names(attributes, labels)

        def named(row: Matrix) -> dict[str, float]:
            return {columns[at]: float(row[at]) for at in np.flatnonzero(row)}

        return {
            attributes[k]: (named(self.effects[k, 0]), named(self.effects[k, 1]))
            for k in np.flatnonzero(self.checked)
        }

    @classmethod
    def from_dict(
        cls, values: NamedEffects, attributes: tuple[str, ...], labels: tuple[str, ...]
    ) -> Self:
        """The inverse of `to_dict`."""
        columns = feature_names(attributes, labels)
        at = {name: position for position, name in enumerate(columns)}
        checked = np.array([name in values for name in attributes])
        effects = np.zeros((len(attributes), 2, len(columns)))
        for name, rows in values.items():
            for value, row in enumerate(rows):
                places = [at[feature] for feature in row]
                effects[attributes.index(name), value, places] = list(row.values())
        return cls(checked, effects)


def soft_attributes(s: NDArray[np.bool_], y: sp.csr_array, odds: LogOdds) -> Matrix:
    """The probabilities of n samples' true attributes, float64 (n, m).

    s is bool (n, m), y 0/1 (n, c). Log odds are rounded to 1/128 (at most 0.4 % of the
    probability), so that patterns share values; then probabilities to 2^-24, so that machines
    whose exponentials differ in the last digit agree.
    """
    labels = y if y.has_sorted_indices else y.sorted_indices()
    m = s.shape[1]
    soft = s.astype(np.float64)
    for k in np.flatnonzero(odds.checked):
        of_value = []
        for intercept, *effects in odds.effects[k]:
            log_odds = intercept + labels @ np.array(effects[m:])
            for j in range(m):
                log_odds += effects[j] * s[:, j]
            of_value.append(log_odds)
        chosen = np.round(np.where(s[:, k], of_value[1], of_value[0]) * _STEPS_OF_ODDS)
        probability = sigmoid(chosen / _STEPS_OF_ODDS)
        soft[:, k] = np.round(probability * _STEPS_OF_PROBABILITY) / _STEPS_OF_PROBABILITY
    return soft


@dataclass(frozen=True)
class CorrectedHistogram(Histogram):
    """A histogram whose attributes s are the probabilities of the true ones, float64 (P, m)."""

    odds: LogOdds

    @classmethod
    def of(cls, histogram: Histogram, odds: LogOdds) -> Self:
        """`histogram` with true attributes in place of recognised ones."""
        return cls(
            histogram.attributes,
            histogram.labels,
            histogram.patterns,
            histogram.counts,
            histogram.utility_sums,
            odds,
        )

    @cached_property
    def s(self) -> NDArray[Any]:
        """The probabilities of the true attributes of each pattern, float64 (P, m)."""
        return soft_attributes(self.recognised, self.y, self.odds)

    @cached_property
    def recognised(self) -> NDArray[np.bool_]:
        """The recognised attributes of each pattern, bool (P, m)."""
        return self._bits(slice(0, len(self)), 0, len(self.attributes))
