"""Shares of names that are bounded: before, as predicted and after, and what became of them."""

from dataclasses import dataclass

import numpy as np

from transforms.config.balance import ShareBound
from transforms.outcome.artefacts import Artefacts
from transforms.outcome.status import STANDARD_ERRORS, Status
from transforms.statistics.bounded import ROUNDING
from transforms.statistics.measures import Measures


@dataclass(frozen=True)
class BoundedShare:
    """A bound on a share, and the share.

    error is the standard error of drawing the output; nan where the plan says what is drawn.
    planned: what the plan has come of it, as drawn or else as predicted.
    """

    name: str
    sign: int
    asked: float
    before: float
    predicted: float
    planned: float
    after: float
    error: float

    @property
    def asked_in_words(self) -> str:
        """The bound as it was asked for."""
        return f"at {'most' if self.sign > 0 else 'least'} {self.asked:g}"

    @property
    def above(self) -> float:
        """By how much the share after is beyond the bound."""
        return self.sign * (self.after - self.asked)

    @property
    def above_allowed(self) -> float:
        """By how much it is beyond what was asked, or planned, and what drawing explains."""
        missed = max(self.sign * (self.planned - self.asked), 0.0)
        return self.above_sampling - missed

    @property
    def above_sampling(self) -> float:
        """By how much it is beyond what was asked and what drawing explains."""
        return self.above - STANDARD_ERRORS * float(np.nan_to_num(self.error))

    @property
    def by(self) -> float | None:
        """By how much the bound is missed; None where chance had a part in it."""
        return max(self.above, 0.0) if np.isnan(self.error) else None

    @property
    def status(self) -> Status:
        """What became of it."""
        if np.isnan(self.after):
            return "no data"
        if self.above <= ROUNDING:
            return "met"
        return "within sampling error" if self.above_sampling <= 0 else "missed"


def bounded_shares(artefacts: Artefacts) -> tuple[BoundedShare, ...]:
    """Every bound on a share that was asked for."""
    return tuple(
        BoundedShare(
            f"share of {bound.name}",
            bound.sign,
            bound.bound,
            _share(artefacts, artefacts.before, bound),
            _share(artefacts, artefacts.predicted, bound),
            _share(artefacts, artefacts.drawn or artefacts.predicted, bound),
            _share(artefacts, artefacts.after, bound),
            _error(artefacts, bound),
        )
        for bound in artefacts.plan.terms.shares
    )


def _share(artefacts: Artefacts, found: Measures, bound: ShareBound) -> float:
    if bound.attribute is None:
        return float(found.label_share[artefacts.histogram.labels.index(bound.name)])
    return float(found.share[artefacts.histogram.attributes.index(bound.name)])


def _error(artefacts: Artefacts, bound: ShareBound) -> float:
    """The standard error of a share in an output drawn by the plan; nan where it says what is."""
    if artefacts.drawn is not None:
        return float("nan")
    if bound.attribute is not None:
        k = artefacts.histogram.attributes.index(bound.name)
        return float(np.nan_to_num(artefacts.drawing_error.RB[k]))
    histogram, q = artefacts.histogram, artefacts.q
    carried = histogram.y[:, [histogram.labels.index(bound.name)]].toarray()[:, 0]
    fraction, kept = q - np.floor(q), float(histogram.counts @ q)
    share = float(histogram.counts @ (q * carried)) / kept if kept else 0.0
    variance = histogram.counts @ (fraction * (1 - fraction) * (carried - share) ** 2)
    return float(np.sqrt(variance * artefacts.share)) / kept if kept else 0.0
