"""How far samples that are new are from the plan that others were drawn by; nothing is solved."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.calibration.posteriors import Calibration
from transforms.config.schema import Attribute
from transforms.config.sections import AUTO, Balance
from transforms.feasibility.out_of_reach import out_of_reach
from transforms.m4.balance import terms_asked
from transforms.plan.plan import Plan
from transforms.plan.transfer import Transfer, transferred, weights_under
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import Measures, measures_of
from transforms.statistics.moments import Moments

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class WrittenMoments:
    """What an output holds: the sums of its samples, and the corpus that these were drawn from.

    corpus is as it was labelled, each of its patterns' samples counted `times`.
    """

    moments: Moments
    corpus: Histogram
    times: float = 1.0

    @property
    def samples(self) -> float:
        """The number of samples that it was drawn from."""
        return self.times * self.corpus.samples

    @classmethod
    def expected(cls, plan: Plan, corpus: Histogram, q: Vector) -> "WrittenMoments":
        """What is expected of a draw by `plan`, which was solved on `corpus` at the weights q."""
        times = plan.file.samples.balanced / plan.solved_on
        attributes = plan.terms.attributes
        found = Moments.of_corpus(plan.corrected(corpus), attributes, times * q)
        return cls(found, corpus, times)


@dataclass(frozen=True)
class Drift:
    """New samples by the plan of those that are written.

    together: the measures of both, were the new ones drawn by that plan. not_by_append names the
    bounds on shares that no weights of the new samples meet beside those written, not_by_rebuild
    those that no weights of all samples do.
    """

    transfer: Transfer
    written: Measures
    together: Measures
    not_by_append: tuple[str, ...]
    not_by_rebuild: tuple[str, ...]

    @property
    def for_rebuild(self) -> tuple[str, ...]:
        """The bounds that are out of reach of an append and, for all that is known, of nothing
        else.
        """
        return tuple(name for name in self.not_by_append if name not in self.not_by_rebuild)


def drift_of(
    plan: Plan,
    written: WrittenMoments,
    histogram: Histogram,
    samples: int,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    calibration: Calibration | None = None,
) -> Drift:
    """How `samples` new samples, counted in `histogram` or some of them, stand to `plan`.

    attributes, asked and calibration are those of today.
    """
    transfer = transferred(plan, written.corpus, histogram, attributes, calibration)
    times = samples / histogram.samples
    new, old = (
        calibration.corrected(one) if calibration else plan.corrected(one)
        for one in (histogram, written.corpus)
    )
    drawn = Moments.of_corpus(new, attributes, times * weights_under(plan, histogram))
    open_rate = asked.eta == AUTO
    terms = terms_asked(new, attributes, asked.at(asked.Q) if open_rate else asked)
    counts = np.asarray(times * new.counts, np.float64)
    both = np.vstack([new.s, old.s]), sp.csr_array(sp.vstack([new.y, old.y], format="csr"))
    all_counts = np.concatenate([counts, written.times * old.counts])
    append = out_of_reach(terms, new.s, new.y, counts, written.moments, open_rate)
    rebuild = out_of_reach(terms, *both, all_counts, None, open_rate) if append else ()
    return Drift(
        transfer,
        measures_of(written.moments, attributes),
        measures_of(written.moments.plus(drawn), attributes),
        tuple(constraint.name for constraint in append),
        tuple(constraint.name for constraint in rebuild),
    )
