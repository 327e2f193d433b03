"""Each measure of a corpus beside what is asked of it, where it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from transforms.config.balance import Kind
from transforms.outcome.artefacts import Artefacts
from transforms.outcome.status import Status
from transforms.plan.plan import Plan
from transforms.statistics.bounded import (
    CERTIFIED,
    ROUNDING,
    Extreme,
    Values,
    certified,
    deciding,
    excesses,
    largest_unasked,
)
from transforms.statistics.measures import Measures


class _Measure(NamedTuple):
    title: str
    kind: Kind


MEASURES = {
    "RB": _Measure("Representation bias", "representation"),
    "AB": _Measure("Association bias", "association"),
    "skew": _Measure("Label skew", "skew"),
}


@dataclass(frozen=True)
class Worst:
    """The value of a measure that decides (see `transforms.statistics.bounded.deciding`).

    error is its standard error; asked is the bound on it, nan where there is none; `of` names the
    attribute, or the pair of attribute and label. All are nan, and it names nothing, where there is
    no data.
    """

    value: float = np.nan
    error: float = np.nan
    asked: float = np.nan
    of: str = ""


@dataclass(frozen=True)
class PlannedRow:
    """One measure of the corpus before and as the plan predicts it.

    unasked is the largest predicted value on which nothing is asked, where it is larger. `to` is
    what the bounds are met to, nan where they are not. drawn is of the samples that will be
    written, where the plan says which.
    """

    name: str
    title: str
    before: Worst
    predicted: Worst
    unasked: Worst | None
    status: Status
    to: float
    drawn: "DrawnMeasure | None"


@dataclass(frozen=True)
class DrawnMeasure:
    """One measure of the samples that a plan draws; `by` is its largest excess over a bound."""

    worst: Worst
    unasked: Worst | None
    status: Status
    by: float


@dataclass(frozen=True)
class MeasureRow:
    """One measure of the corpus before, as predicted, and of the output, after.

    Errors are of the corpus as a sample before and as predicted, of drawing the output after where
    that was left to chance, and of the calibration. unasked is the largest value after on which
    nothing is asked, where it is larger. by is the largest excess over a bound; None where chance
    had a part in it. Where there is one, as_labelled are the values that decide by recognised
    attributes.
    """

    name: str
    title: str
    before: Worst
    predicted: Worst
    after: Worst
    unasked: Worst | None
    status: Status
    by: float | None
    as_labelled: Mapping[str, float]


def planned_rows(plan: Plan) -> tuple[PlannedRow, ...]:
    """RB and, where there are labels, AB and label skew: before, and as predicted."""
    return tuple(_planned_row(name, plan) for name in _names(plan))


def measure_rows(artefacts: Artefacts) -> tuple[MeasureRow, ...]:
    """RB and, where there are labels, AB and label skew: before, as predicted and after."""
    return tuple(_measure_row(name, artefacts) for name in _names(artefacts.plan))


def _names(plan: Plan) -> tuple[str, ...]:
    return tuple(MEASURES) if plan.terms.labels else ("RB",)


def _planned_row(name: str, plan: Plan) -> PlannedRow:
    file, bounds, measure = plan.file, getattr(plan.asked, name), MEASURES[name]
    before, predicted = (
        _Found(np.abs(getattr(values, name)), getattr(errors, name), bounds, plan, CERTIFIED)
        for values, errors in (
            (file.measures.before, file.standard_errors.before),
            (file.predicted, file.standard_errors.predicted),
        )
    )
    status = _status(predicted.values, bounds, np.zeros_like(bounds))
    to = certified(predicted.values, bounds)
    if status == "missed" and to is not None:
        status = "met"
    if any(row.kind == measure.kind and not row.met for row in file.constraints):
        status = "missed"
    return PlannedRow(
        name,
        measure.title,
        before.worst,
        predicted.worst,
        predicted.unasked,
        status,
        np.nan if to is None or status != "met" else to,
        _drawn(name, plan),
    )


def _drawn(name: str, plan: Plan) -> DrawnMeasure | None:
    if plan.file.draw is None:
        return None
    values, bounds = np.abs(getattr(plan.file.draw.of_all, name)), getattr(plan.asked, name)
    calibrated = plan.file.calibration
    nothing = np.full_like(bounds, np.nan)
    errors = getattr(calibrated.standard_errors, name) if calibrated else nothing
    found = _Found(values, errors, bounds, plan, ROUNDING)
    status = _status(values, bounds, np.zeros_like(bounds))
    return DrawnMeasure(found.worst, found.unasked, status, _excess(values, bounds))


def _measure_row(name: str, artefacts: Artefacts) -> MeasureRow:
    plan, bounds, errors = artefacts.plan, getattr(artefacts.asked, name), artefacts.errors

    def found(measures: Measures, when: str) -> _Found:
        values = np.abs(getattr(measures, name))
        return _Found(values, getattr(errors[when], name), bounds, plan, ROUNDING)

    after = found(artefacts.after, "after")
    return MeasureRow(
        name,
        MEASURES[name].title,
        found(artefacts.before, "before").worst,
        found(artefacts.predicted, "predicted").worst,
        after.worst,
        after.unasked,
        _status(after.values, bounds, getattr(artefacts.allowance, name)),
        _excess(after.values, bounds) if artefacts.drawn else None,
        {when: found(one, when).worst.value for when, one in artefacts.as_labelled.items()},
    )


@dataclass(frozen=True)
class _Found:
    """A measure's absolute values, their errors and bounds; alike are those that are `within`."""

    values: Values
    errors: Values
    bounds: Values
    plan: Plan
    within: float

    @property
    def worst(self) -> Worst:
        """The value that decides."""
        found = deciding(self.values, self.bounds, self.within)
        return Worst() if found is None else self._named(found)

    @property
    def unasked(self) -> Worst | None:
        """The largest value on which nothing is asked, where it is larger than what decides."""
        found = largest_unasked(self.values, self.bounds, self.within)
        if found is None or np.isnan(self.bounds).all() or found.value <= self.worst.value:
            return None
        return self._named(found)

    def _named(self, found: Extreme) -> Worst:
        names = [attribute.name for attribute in self.plan.terms.attributes]
        of = found.name(names, self.plan.terms.labels)
        return Worst(found.value, float(self.errors[found.at]), found.bound, of)


def _excess(values: Values, bounds: Values) -> float:
    return float(excesses(values, bounds).max(initial=0.0))


def _status(values: Values, bounds: Values, allowance: Values) -> Status:
    if np.isnan(bounds).all():
        return "not asked"
    known = ~np.isnan(values - bounds)
    if not known.any():
        return "no data"
    excess = excesses(values[known], bounds[known])
    if not excess.any():
        return "met"
    allowed = np.nan_to_num(allowance[known])
    return "within sampling error" if np.all(excess <= allowed) else "missed"
