"""Corpora whose true attributes are known, as recognisers see them that err with some labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.calibration.posteriors import Calibration, Posterior
from transforms.config.schema import Attribute
from transforms.statistics.histogram import Histogram, HistogramAccumulator
from transforms.statistics.measures import Measures, measure
from transforms.statistics.patterns import pack_patterns

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Noisy:
    """n samples: true and recognised attributes, bool (n, m); labels, bool (n, c)."""

    true: Flags
    recognised: Flags
    y: Flags
    attributes: tuple[Attribute, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes' names."""
        return tuple(attribute.name for attribute in self.attributes)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels' names."""
        return tuple(f"things.{r}" for r in range(self.y.shape[1]))

    @property
    def flags(self) -> Flags:
        """What was recognised, and the labels, bool (n, m + c)."""
        return np.hstack([self.recognised, self.y])

    @property
    def histogram(self) -> Histogram:
        """The histogram of what was recognised."""
        return self._counted(self.flags)

    def calibration(self, checked: int, seed: int) -> Calibration:
        """Estimated from so many samples, drawn at random."""
        rows = np.random.default_rng(seed).permutation(len(self.y))[:checked]
        posteriors = {}
        for k, name in enumerate(self.names):
            lacking, carrying = (rows[self.recognised[rows, k] == value] for value in (False, True))
            posteriors[name] = (
                Posterior.of(self.flags[lacking], self.true[lacking, k], len(self.names)),
                Posterior.of(self.flags[carrying], self.true[carrying, k], len(self.names)),
            )
        return Calibration(self.names, self.labels, posteriors, "", "")

    def truly(self, q: NDArray[np.float64]) -> Measures:
        """The true bias of all samples under weights q, (P,), of the recognised patterns."""
        flags = np.hstack([self.true, self.y])
        true, weights = self._counted(flags), q[self._pattern_of(self.flags)]
        total = np.bincount(self._pattern_of(flags), weights, len(true))
        return measure(true, self.attributes, total / true.counts)

    def _counted(self, flags: Flags) -> Histogram:
        counted = HistogramAccumulator(self.names, self.labels)
        return counted.add_rows(flags, np.ones(len(flags))).extract()

    def _pattern_of(self, flags: Flags) -> NDArray[np.int64]:
        """The pattern of each sample, (n,), in the histogram of `flags`."""
        patterns = self._counted(flags).patterns
        place = {row.tobytes(): at for at, row in enumerate(patterns)}
        rows = pack_patterns(flags, np.ones(len(flags)))
        return np.array([place[row.tobytes()] for row in rows])


def noisy_corpus(
    seed: int, n: int = 40_000, c: int = 5, share_of: str = "all", multiply: bool = True
) -> Noisy:
    """Two attributes that exclude each other, 30 % and 50 %, associated with the labels.

    Both are missed more often with even labels, and mistaken for the other more often with odd
    ones: with each of them or, unless errors multiply, with any.
    """
    random = np.random.default_rng(seed)
    who = random.choice(3, n, p=[0.3, 0.5, 0.2])
    true = np.column_stack([who == 0, who == 1])
    lean = random.choice([-0.8, 0.8], (2, c))
    frequency = np.linspace(0.1, 0.35, c)
    y = random.random((n, c)) < sigmoid(np.log(frequency / (1 - frequency)) + true @ lean)
    even, odd = y[:, ::2].sum(axis=1), y[:, 1::2].sum(axis=1)
    if multiply:
        missed, confused = 0.1 * 1.8**even, 0.07 * 2.2**odd
    else:
        missed, confused = 0.08 + 0.25 * (even > 0), 0.05 + 0.2 * (odd > 0)
    chance = random.random((n, 2))
    seen = true & (chance > missed[:, None])
    mistaken = ~true & (chance < np.where(true[:, ::-1], confused[:, None], 0.03))
    target = 0.5 if share_of == "group" else 0.4
    attributes = tuple(
        Attribute(f"people.{name}", "people", target, share_of) for name in ("a", "b")
    )
    return Noisy(true, seen | mistaken, y, attributes)


def sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-log_odds))
