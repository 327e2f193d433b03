"""A pass over all label tables: the exact moments of a corpus under given weights.

Sums are taken with each sample's own utility, batch by batch; batches are added in fixed point,
so that every engine and every order of merging gives the same bits.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.calibration.log_odds import CorrectedHistogram, LogOdds
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.m4.terms import Terms, integrands_of
from transforms.m4.weights import Duals, bias_scores, clipped
from transforms.statistics.counting import balanced_batches
from transforms.statistics.exact_sums import FixedSums
from transforms.statistics.histogram import Histogram
from transforms.statistics.moments import Moments
from transforms.statistics.patterns import packed, packed_flags, unpacked
from transforms.storage.files import Storage

Vector = NDArray[np.float64]
_BIN_BYTES = 2


@dataclass(frozen=True)
class Weighing:
    """All that the weight of a sample depends on, but the sample."""

    terms: Terms
    duals: Duals
    odds: LogOdds | None


@dataclass(frozen=True)
class Measured:
    """Sums over a corpus: 1/2 (q - eta u)^2, and moments as it is (before) and under q (after).

    Those are of the true attributes, where there are odds of them; labelled_before and
    labelled_after are of the recognised ones (without odds, the same).
    """

    moved: float
    before: Moments
    after: Moments
    labelled_before: Moments
    labelled_after: Moments

    @classmethod
    def from_sums(cls, sums: FixedSums, weighing: Weighing) -> Self:
        """What `measure_shard` and merging gave."""
        values, m = sums.extract(), len(weighing.terms.attributes)
        vectors = np.split(values[1:], 2 if weighing.odds is None else 4)
        moments = [Moments.from_vector(vector, m) for vector in vectors]
        return cls(float(values[0]), *moments[:2], *moments[-2:])

    @property
    def samples(self) -> float:
        """The number of samples."""
        return self.before.total


def measure_shard(
    record: LabelRecord, weighing: Weighing, config: Config, storage: Storage
) -> FixedSums:
    """The sums of `Measured` over one labelled shard, as one vector."""
    columns, count = schema_of(config).pattern_columns, 2 if weighing.odds is None else 4
    m, c = len(weighing.terms.attributes), len(weighing.terms.labels)
    total = FixedSums.of(np.zeros(1 + count * (3 * m + 1) * (c + 1)))
    for table in balanced_batches(record, columns, config, storage):
        for batch in table.to_batches():
            flags = packed_flags(batch, columns)
            sums = _measured(flags, batch.column("utility").to_numpy(), weighing)
            total = total.merge(FixedSums.of(sums))
    return total


def _measured(flags: NDArray[np.uint8], utility: Vector, weighing: Weighing) -> Vector:
    """The sums over n rows with these bit-packed flags, (n, width): each distinct row once."""
    terms, duals, odds = weighing.terms, weighing.duals, weighing.odds
    labelled, row = distinct_flags(flags, terms)
    seen = labelled if odds is None else CorrectedHistogram.of(labelled, odds)
    q = row_weights(utility, row, seen, terms, duals)
    masses = [labelled.counts.astype(np.float64), np.bincount(row, q, len(labelled))]
    moved = np.array([np.sum((q - terms.eta * utility) ** 2) / 2])
    corpora = [seen] if odds is None else [seen, labelled]
    moments = [
        Moments.of(terms.attributes, corpus.s, corpus.y, np.asarray(mass, np.float64)).vector
        for corpus in corpora
        for mass in masses
    ]
    return np.concatenate([moved, *moments])


def row_weights(
    utility: Vector, row: NDArray[np.int64], patterns: Histogram, terms: Terms, duals: Duals
) -> Vector:
    """The weights q, (n,), of samples of utility (n,), each with the flags of a row of patterns."""
    scores = bias_scores(integrands_of(patterns.s, terms), patterns.y, duals, terms)
    return clipped(utility, scores[row], duals.mu, terms)


def distinct_flags(flags: NDArray[np.uint8], terms: Terms) -> tuple[Histogram, NDArray[np.int64]]:
    """The distinct rows of bit-packed flags, (n, width), as patterns; each row's place, (n,)."""
    found = packed(flags).dictionary_encode()
    row = found.indices.to_numpy().astype(np.int64)
    distinct = unpacked(pa.chunked_array([found.dictionary]))
    patterns = np.hstack([distinct, np.zeros((len(distinct), _BIN_BYTES), np.uint8)])
    counts = np.bincount(row, minlength=len(distinct))
    names = tuple(attribute.name for attribute in terms.attributes)
    return Histogram(names, terms.labels, patterns, counts, np.zeros_like(counts)), row


@dataclass(frozen=True)
class Pass:
    """What a pass over the corpus found of weights: its sums, and the certificate they give.

    good says whether these weights will do.
    """

    weighing: Weighing
    sums: FixedSums
    gap: float
    violation: float
    rate: float
    good: bool

    @property
    def measured(self) -> Measured:
        """What its sums are of."""
        return Measured.from_sums(self.sums, self.weighing)
