"""Sums over weighted samples from which every measure and every constraint of a corpus follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from transforms.config.schema import Attribute
from transforms.statistics.histogram import Histogram

if TYPE_CHECKING:
    import scipy.sparse as sp

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Sums of mass times s_k, n_k and o_k, float64 (m, c + 1), and of mass alone, (c + 1,).

    By label among the samples that carry it; the last column is of all samples. n_k is what k's
    share is taken of, o_k = min(n_k, 1) - s_k says who takes part without carrying k
    (transforms/m4/terms.py).
    """

    s: Matrix
    n: Matrix
    o: Matrix
    y: Matrix

    @classmethod
    def of(
        cls,
        attributes: tuple[Attribute, ...],
        s: NDArray[Any],
        y: "sp.csr_array",
        mass: Matrix,
    ) -> Self:
        """Those of rows of s, (n, m), 0/1 or probabilities, and 0/1 y, (n, c), of `mass` (n,)."""
        shape = (len(attributes), y.shape[1] + 1)
        whole, (carried, base, others) = _by_label(mass, y), np.empty((3, *shape))
        for k, attribute in enumerate(attributes):
            carried[k] = _by_label(mass * s[:, k], y)
            each = share_base(s, attributes, k)
            base[k] = whole if attribute.share_of == "all" else _by_label(mass * each, y)
            others[k] = _by_label(mass * (np.minimum(each, 1.0) - s[:, k]), y)
        return cls(carried, base, others, whole)

    @classmethod
    def of_corpus(
        cls, histogram: Histogram, attributes: tuple[Attribute, ...], q: Matrix | float = 1.0
    ) -> Self:
        """Those of the samples of `histogram`, each pattern's counted q times, (P,)."""
        mass = np.asarray(histogram.counts * q, np.float64)
        return cls.of(attributes, histogram.s, histogram.y, mass)

    @classmethod
    def from_vector(cls, values: Matrix, m: int) -> Self:
        """The inverse of `vector`, for m attributes."""
        rows = values.reshape(3 * m + 1, -1)
        return cls(rows[:m], rows[m : 2 * m], rows[2 * m : 3 * m], rows[3 * m])

    @property
    def vector(self) -> Matrix:
        """All in one, float64 ((3 m + 1) (c + 1),)."""
        return np.vstack([self.s, self.n, self.o, self.y]).ravel()

    @property
    def total(self) -> float:
        """The mass of all samples."""
        return float(self.y[-1])

    def over(self, samples: float) -> "Moments":
        """The means over so many samples."""
        return Moments(self.s / samples, self.n / samples, self.o / samples, self.y / samples)

    def plus(self, other: "Moments") -> "Moments":
        """The sums of both."""
        return Moments(self.s + other.s, self.n + other.n, self.o + other.o, self.y + other.y)

    def minus(self, other: "Moments") -> "Moments":
        """What these are above `other`."""
        return Moments(self.s - other.s, self.n - other.n, self.o - other.o, self.y - other.y)

    def times(self, factor: float) -> "Moments":
        """`factor` times as much."""
        return Moments(factor * self.s, factor * self.n, factor * self.o, factor * self.y)

    def only(self, attributes: Sequence[int], labels: Sequence[int]) -> "Moments":
        """Those of some attributes, whole groups of them, and some labels."""
        columns = [*labels, -1]
        s, n, o = (each[np.ix_(attributes, columns)] for each in (self.s, self.n, self.o))
        return Moments(s, n, o, self.y[columns])

    def centres(self, attributes: tuple[Attribute, ...]) -> tuple[Matrix, Matrix]:
        """Among those who take part in k's association: k's share (m,), each label's (m, c).

        Where nobody takes part, the target and 0.
        """
        among = self.s + self.o
        taking_part = among[:, -1] > 0
        whole = np.where(taking_part, among[:, -1], 1.0)
        targets = np.array([attribute.pi for attribute in attributes])
        shares = np.where(taking_part, self.s[:, -1] / whole, targets)
        label_shares = np.where(taking_part, among[:, :-1].T / whole, 0.0).T
        return shares, label_shares


def _by_label(mass: Matrix, y: "sp.csr_array") -> Matrix:
    return np.append(mass @ y, mass.sum())


def share_base(s: NDArray[np.generic], attributes: tuple[Attribute, ...], k: int) -> Matrix:
    """What attribute k's share is taken of, float64 (n,): 1 a sample, or its n_k."""
    if attributes[k].share_of == "all":
        return np.ones(len(s))
    members = [other.group == attributes[k].group for other in attributes]
    return np.asarray(s[:, members].sum(axis=1), dtype=np.float64)
