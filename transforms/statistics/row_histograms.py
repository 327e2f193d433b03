"""Histograms given as rows: parts of a corpus, and corpora with samples added."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.statistics.histogram import Histogram, distinct_rows

_NO_BIN = 2


@dataclass(frozen=True)
class RowHistogram(Histogram):
    """A histogram whose rows are given: s (P, m), 0/1 or probabilities, y 0/1 (P, c), u (P,).

    Its patterns say nothing; its utility bins are all of no width.
    """

    rows_s: NDArray[Any]
    rows_y: sp.csr_array
    rows_utility: NDArray[np.float64]

    @classmethod
    def of(cls, histogram: Histogram) -> Self:
        """The rows of any histogram."""
        empty = np.zeros((len(histogram), _NO_BIN), np.uint8)
        return cls(
            histogram.attributes,
            histogram.labels,
            empty,
            histogram.counts,
            histogram.utility_sums,
            histogram.s,
            histogram.y,
            histogram.utility,
        )

    @cached_property
    def s(self) -> NDArray[Any]:
        """The attributes of each row, (P, m)."""
        return self.rows_s

    @cached_property
    def y(self) -> sp.csr_array:
        """The labels of each row, 0/1 (P, c)."""
        return self.rows_y

    @cached_property
    def utility(self) -> NDArray[np.float64]:
        """The mean utility of each row's samples, float64 (P,)."""
        return self.rows_utility

    def only(self, attributes: Sequence[int], labels: Sequence[int]) -> Self:
        """What some attributes and labels tell of the corpus, each distinct row once, u = 1."""
        s = self.rows_s[:, attributes]
        y = self.rows_y[:, labels].toarray().astype(s.dtype)
        distinct, row = distinct_rows(np.hstack([s, y]))
        counts = np.bincount(row, self.counts, len(distinct)).astype(np.int64)
        return type(self)(
            tuple(self.attributes[k] for k in attributes),
            tuple(self.labels[r] for r in labels),
            np.zeros((len(distinct), _NO_BIN), np.uint8),
            counts,
            counts,
            distinct[:, : len(attributes)],
            sp.csr_array(distinct[:, len(attributes) :].astype(np.float64)),
            np.ones(len(distinct)),
        )

    def with_samples(
        self, s: NDArray[np.bool_], y: NDArray[np.bool_], counts: NDArray[np.int64]
    ) -> Self:
        """The corpus with `counts`, (n,), more samples of s (n, m), y (n, c) and mean utility."""
        mean = float(self.counts @ self.rows_utility / self.samples)
        utility = np.full(len(counts), mean)
        return replace(
            self,
            patterns=np.zeros((len(self) + len(counts), _NO_BIN), np.uint8),
            counts=np.concatenate([self.counts, counts]),
            utility_sums=np.concatenate([self.utility_sums, counts]),
            rows_s=np.concatenate([self.rows_s, s.astype(self.rows_s.dtype)]),
            rows_y=sp.csr_array(sp.vstack([self.rows_y, sp.csr_array(y.astype(np.float64))])),
            rows_utility=np.concatenate([self.rows_utility, utility]),
        )
