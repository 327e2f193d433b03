"""Measures of a corpus under a plan that was solved for another one, beside what is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transforms.config.balance import ShareBound
from transforms.config.schema import Attribute
from transforms.outcome.measure_rows import MEASURES, Worst
from transforms.plan.plan_file import PlannedErrors, PlannedMeasures
from transforms.statistics.bounded import CERTIFIED, Values, deciding
from transforms.statistics.measures import PerMeasure, excesses_of_shares


@dataclass(frozen=True)
class AppliedRow:
    """One measure, before and under the plan's weights, where it is most above its bound.

    beyond: by how many standard errors any of its values is above its bound, at most; nan where
    nothing is asked of it.
    """

    name: str
    title: str
    before: Worst
    under: Worst
    beyond: float

    @property
    def excess(self) -> float:
        """By how much it is above its bound; nan where there is none."""
        return self.under.value - self.under.asked

    @property
    def met(self) -> bool | None:
        """Whether its bounds are met, to what plans are; None where none is asked, or known."""
        return None if np.isnan(self.excess) else self.excess <= CERTIFIED


@dataclass(frozen=True)
class AppliedShare:
    """A bound on a share, before and under the plan's weights."""

    bound: ShareBound
    before: float
    under: float
    excess: float

    @property
    def met(self) -> bool | None:
        """Whether it is met, to what plans are; None where nothing is known of it."""
        return None if np.isnan(self.excess) else self.excess <= CERTIFIED


def applied_rows(
    measures: PlannedMeasures,
    errors: PlannedErrors,
    bounds: PerMeasure,
    attributes: Sequence[Attribute],
    labels: Sequence[str],
) -> tuple[AppliedRow, ...]:
    """RB and, where there are labels, AB and label skew."""
    names = [attribute.name for attribute in attributes]

    def worst(values: Values, error: Values, asked: Values) -> Worst:
        found = deciding(values, asked, CERTIFIED)
        if found is None:
            return Worst()
        return Worst(found.value, float(error[found.at]), found.bound, found.name(names, labels))

    rows = []
    for name in MEASURES if labels else ("RB",):
        asked = getattr(bounds, name)
        before, under = (
            (np.abs(getattr(values, name)), getattr(error, name))
            for values, error in (
                (measures.before, errors.before),
                (measures.predicted, errors.predicted),
            )
        )
        rows.append(
            AppliedRow(
                name,
                MEASURES[name].title,
                worst(*before, asked),
                worst(*under, asked),
                _beyond(*under, asked),
            )
        )
    return tuple(rows)


def applied_shares(
    measures: PlannedMeasures,
    bounds: Sequence[ShareBound],
    attributes: Sequence[Attribute],
    labels: Sequence[str],
) -> tuple[AppliedShare, ...]:
    """Every bound on a share."""
    before, under = (
        excesses_of_shares(found, bounds, attributes, labels).tolist()
        for found in (measures.before, measures.predicted)
    )
    return tuple(
        AppliedShare(one, one.bound + one.sign * was, one.bound + one.sign * now, now)
        for one, was, now in zip(bounds, before, under, strict=True)
    )


def _beyond(values: Values, errors: Values, asked: Values) -> float:
    excess = values - asked
    known = ~np.isnan(excess)
    if not known.any():
        return float("nan")
    above = np.maximum(excess[known] - CERTIFIED, 0.0)
    sure = np.divide(
        above, errors[known], out=np.full(above.shape, np.inf), where=errors[known] > 0
    )
    return float(np.where(above > 0, sure, 0.0).max(initial=0.0))
