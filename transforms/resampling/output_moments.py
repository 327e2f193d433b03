"""What the output shards hold, as sums: all that measures of the output are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from transforms.calibration.log_odds import CorrectedHistogram
from transforms.plan.passes import distinct_flags
from transforms.plan.plan import Plan
from transforms.statistics.exact_sums import FixedSums
from transforms.statistics.groups import groups_of, groups_shown
from transforms.statistics.histogram import Histogram, HistogramAccumulator
from transforms.statistics.moments import Moments


@dataclass(frozen=True)
class Written:
    """Moments of the written copies: of the attributes that weights depend on, and as labelled.

    groups: how many copies show any attribute of each group.
    """

    moments: Moments
    labelled: Moments
    groups: Mapping[str, int]

    @classmethod
    def from_sums(cls, sums: FixedSums | None, plan: Plan) -> Self:
        """What `count_copies` and merging gave; None: nothing was written."""
        m, parts = len(plan.terms.attributes), 1 if plan.odds is None else 2
        names = groups_of(plan.terms.attributes)
        size = parts * (3 * m + 1) * (len(plan.terms.labels) + 1)
        values = np.zeros(size + len(names)) if sums is None else sums.extract()
        moments = [Moments.from_vector(part, m) for part in np.split(values[:size], parts)]
        shown = dict(zip(names, map(round, values[size:].tolist()), strict=True))
        return cls(moments[0], moments[-1], shown)

    @classmethod
    def of_patterns(cls, written: Histogram, plan: Plan) -> Self:
        """What copies of these patterns sum to, as `plan` sees them."""
        return cls.from_sums(copies_in(written, plan), plan)

    def plus(self, other: "Written") -> "Written":
        """What both hold."""
        groups = {group: count + other.groups[group] for group, count in self.groups.items()}
        return Written(self.moments.plus(other.moments), self.labelled.plus(other.labelled), groups)

    @property
    def samples(self) -> int:
        """The number of copies."""
        return round(self.labelled.total)


@dataclass(frozen=True)
class WrittenCopies:
    """What output shards hold, gathered: the sums of `Written` and, where the output grows, the
    patterns, all of utility 1.
    """

    sums: FixedSums
    patterns: HistogramAccumulator | None

    @classmethod
    def of(cls, flags: NDArray[np.bool_], plan: Plan, grows: bool) -> Self:
        """Those of copies with these flags (s, y), bool (n, m + c)."""
        patterns = None
        if grows:
            names = tuple(attribute.name for attribute in plan.terms.attributes)
            patterns = HistogramAccumulator(names, plan.terms.labels)
            patterns.add_rows(flags, np.ones(len(flags))).fold()
        return cls(count_copies(flags, plan), patterns)

    def merge(self, other: "WrittenCopies") -> Self:
        """What both hold."""
        if self.patterns is not None and other.patterns is not None:
            self.patterns.merge(other.patterns)
        return type(self)(self.sums.merge(other.sums), self.patterns)

    def extract(self) -> tuple[NDArray[np.float64], Histogram | None]:
        """Both."""
        return self.sums.extract(), None if self.patterns is None else self.patterns.extract()


def count_copies(flags: NDArray[np.bool_], plan: Plan) -> FixedSums:
    """The sums of `Written` over copies with these flags (s, y), bool (n, m + c), as one vector."""
    return copies_in(distinct_flags(np.packbits(flags, axis=1), plan.terms)[0], plan)


def copies_in(labelled: Histogram, plan: Plan) -> FixedSums:
    """The sums of `Written` over copies of these patterns, as labelled, each counted so often."""
    corpora = [labelled]
    if plan.odds is not None:
        corpora = [CorrectedHistogram.of(labelled, plan.odds), labelled]
    vectors = [Moments.of_corpus(corpus, plan.terms.attributes).vector for corpus in corpora]
    shown = labelled.counts @ groups_shown(labelled.s, plan.terms.attributes)
    return FixedSums.of(np.concatenate([*vectors, shown.astype(np.float64)]))
