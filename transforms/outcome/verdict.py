"""What came out against what was asked: met, within sampling error, or missed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from transforms.outcome.artefacts import Artefacts
from transforms.outcome.shares import bounded_shares
from transforms.outcome.status import Status
from transforms.statistics.standard_errors import worst_of

_ROUNDING = 5e-5
_STANDARD_ERRORS = 4


@dataclass(frozen=True)
class Excess:
    """The attribute, or the pair, whose value after is most above its bound."""

    name: str
    after: float
    asked: float


@dataclass(frozen=True)
class MeasureRow:
    """One measure's largest value, of an attribute or of a pair of attribute and label.

    asked is the largest bound, nan where there is none; `worst` is where the largest value after
    stands. Each error is the standard error of the largest value: of the corpus as a sample before
    and as predicted, of drawing the output after, and of the calibration. Where there is one,
    as_labelled are the largest values by recognised attributes, before, predicted and after.
    """

    name: str
    title: str
    asked: float
    before: float
    before_error: float
    predicted: float
    predicted_error: float
    after: float
    error: float
    worst: str
    status: Status
    excess: Excess | None
    as_labelled: Mapping[str, float]


@dataclass(frozen=True)
class Verdict:
    """The report's first sentence; tone colours it."""

    sentence: str
    tone: Literal["met", "partly", "missed"]


def measure_rows(artefacts: Artefacts) -> tuple[MeasureRow, ...]:
    """RB and, where there are labels, AB and label skew: before, as predicted and after."""
    rows = [_measure_row("RB", "Representation bias", artefacts)]
    if artefacts.histogram.labels:
        rows.append(_measure_row("AB", "Association bias", artefacts))
        rows.append(_measure_row("skew", "Label skew", artefacts))
    return tuple(rows)


def verdict_of(artefacts: Artefacts, rows: tuple[MeasureRow, ...]) -> Verdict:
    """Whether what was asked for is met: by the plan, and by the output as measured."""
    if artefacts.plan.file.missed:
        return Verdict(artefacts.plan.missed_in_words, "missed")
    found = [(row.name, row.status) for row in rows]
    found += [(share.name, share.status) for share in bounded_shares(artefacts)]
    missed = [name for name, status in found if status == "missed"]
    if missed:
        return Verdict(
            f"The plan meets everything asked for; the output misses {' and '.join(missed)} by "
            "more than sampling explains.",
            "partly",
        )
    if any(status == "within sampling error" for _, status in found):
        return Verdict(
            "The plan meets everything asked for, and the output is within sampling error of it.",
            "met",
        )
    return Verdict("Everything asked for is met.", "met")


def _measure_row(name: str, title: str, artefacts: Artefacts) -> MeasureRow:
    bound, drawing = getattr(artefacts.asked, name), getattr(artefacts.drawing_error, name)
    after = np.abs(getattr(artefacts.after, name))
    worst = None if np.isnan(after).all() else np.unravel_index(np.nanargmax(after), after.shape)
    errors = artefacts.errors
    before, predicted = (
        worst_of(getattr(found, name), getattr(errors[when], name))
        for when, found in (("before", artefacts.before), ("predicted", artefacts.predicted))
    )
    return MeasureRow(
        name,
        title,
        asked=_largest(bound),
        before=before[0],
        before_error=before[1],
        predicted=predicted[0],
        predicted_error=predicted[1],
        after=_largest(after),
        error=np.nan if worst is None else float(getattr(errors["after"], name)[worst]),
        worst="" if worst is None else _named(artefacts, worst),
        status=_status(after, bound, drawing),
        excess=_excess(after, bound, artefacts),
        as_labelled={
            when: _largest(np.abs(getattr(found, name)))
            for when, found in artefacts.as_labelled.items()
        },
    )


def _excess(
    after: NDArray[np.float64], bound: NDArray[np.float64], artefacts: Artefacts
) -> Excess | None:
    above = np.nan_to_num(after - bound, nan=-np.inf)
    if not above.size or above.max() <= _ROUNDING:
        return None
    at = np.unravel_index(above.argmax(), above.shape)
    return Excess(_named(artefacts, at), float(after[at]), float(bound[at]))


def _named(artefacts: Artefacts, at: tuple[np.intp, ...]) -> str:
    names = [
        artefacts.attributes[int(at[0])].name,
        *(artefacts.histogram.labels[r] for r in at[1:]),
    ]
    return " × ".join(names)


def _status(
    after: NDArray[np.float64], bound: NDArray[np.float64], error: NDArray[np.float64]
) -> Status:
    if np.isnan(bound).all():
        return "not asked"
    known = ~np.isnan(after) & ~np.isnan(bound)
    if not known.any():
        return "no data"
    excess = after[known] - bound[known] - _ROUNDING
    if np.all(excess <= 0):
        return "met"
    allowed = _STANDARD_ERRORS * np.nan_to_num(error[known])
    return "within sampling error" if np.all(excess <= allowed) else "missed"


def _largest(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.max()) if known.size else float("nan")
