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
from transforms.statistics.histogram import Histogram
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

    @property
    def samples(self) -> int:
        """The number of copies."""
        return round(self.labelled.total)


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
