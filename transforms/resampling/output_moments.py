"""What the output shards hold, as sums: all that measures of the output are made of."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from transforms.calibration.log_odds import CorrectedHistogram
from transforms.plan.passes import distinct_flags
from transforms.plan.plan import Plan
from transforms.statistics.exact_sums import FixedSums
from transforms.statistics.moments import Moments


@dataclass(frozen=True)
class Written:
    """Moments of the written copies: of the attributes that weights depend on, and as labelled."""

    moments: Moments
    labelled: Moments

    @classmethod
    def from_sums(cls, sums: FixedSums | None, plan: Plan) -> Self:
        """What `count_copies` and merging gave; None: nothing was written."""
        m, parts = len(plan.terms.attributes), 1 if plan.odds is None else 2
        size = parts * (3 * m + 1) * (len(plan.terms.labels) + 1)
        values = np.zeros(size) if sums is None else sums.extract()
        moments = [Moments.from_vector(part, m) for part in np.split(values, parts)]
        return cls(moments[0], moments[-1])

    @property
    def samples(self) -> int:
        """The number of copies."""
        return round(self.labelled.total)


def count_copies(flags: NDArray[np.bool_], plan: Plan) -> FixedSums:
    """The moments of copies with these flags (s, y), bool (n, m + c), as one vector."""
    labelled, _ = distinct_flags(np.packbits(flags, axis=1), plan.terms)
    corpora = [labelled]
    if plan.odds is not None:
        corpora = [CorrectedHistogram.of(labelled, plan.odds), labelled]
    vectors = [Moments.of_corpus(corpus, plan.terms.attributes).vector for corpus in corpora]
    return FixedSums.of(np.concatenate(vectors))
