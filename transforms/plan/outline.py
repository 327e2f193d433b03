"""The parts of a plan's document, of the kinds that all who read it rely on."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired

import numpy as np
from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from transforms.storage.documents import Count, Finite

Row = list[Finite | None]
Some = Annotated[Count, Field(ge=1)]


class Bounds(TypedDict):
    """Numbers by measure; null where there is none."""

    RB: Row
    AB: list[Row]
    skew: list[Row]


class Figures(Bounds):
    """Measures; null where undefined."""

    samples: Annotated[Finite, Field(ge=0)]
    share: Row
    label_share: Row


class _Sides(TypedDict):
    before: Figures
    predicted: Figures


class _Errors(TypedDict):
    before: Bounds
    predicted: Bounds


class _Samples(TypedDict):
    labelled: Count
    filtered: Count
    balanced: Some
    rejected: Count
    patterns: Some


class _Sampled(TypedDict):
    samples: Some
    share: Annotated[float, Field(gt=0, le=1)]
    polished: bool
    passes: list[dict[str, Any]]


class _Largest(TypedDict):
    upper: Finite


class _Certificate(TypedDict):
    primal: float
    dual: float
    gap: float
    violation: float
    rate: float
    utility_error_bound: float


class _Carrying(TypedDict):
    carries: list[str]
    samples: Count


class _Missing(TypedDict):
    samples: Count
    patterns: list[_Carrying]


class _Looser(TypedDict):
    bound: str
    value: Finite
    subjects: list[str]


class _Conflict(TypedDict):
    eta: Finite
    constraints: list[str]
    missing: _Missing | None
    rate: Finite | None
    looser: list[_Looser]
    tested: bool


class _Constraint(TypedDict):
    kind: Literal["representation", "association", "skew"]
    attribute: str
    label: str | None
    sign: Literal[1, -1]
    tolerance: Finite
    price: Annotated[Finite, Field(ge=0)]
    slack: float
    attainable: bool


class _Calibration(TypedDict):
    log_odds: dict[str, Annotated[list[dict[str, Finite]], Field(min_length=2, max_length=2)]]
    as_labelled: _Sides
    standard_errors: Bounds


class _Outline(TypedDict):
    fingerprint: dict[str, str]
    config: dict[str, Any]
    attributes: list[dict[str, Any]]
    labels: list[str]
    samples: _Samples
    sampled: NotRequired[_Sampled | None]
    largest_rate: NotRequired[_Largest | None]
    certificate: _Certificate
    unattainable: list[str]
    conflict: _Conflict | None
    without_support: list[str]
    measures: _Sides
    standard_errors: _Errors
    calibration: NotRequired[_Calibration | None]
    constraints: list[_Constraint]


_OUTLINE = TypeAdapter(_Outline)


def check_outline(document: Mapping[str, Any]) -> None:
    """Raise ValueError where a plan's document lacks a part, or one is not what it should be."""
    outline = _OUTLINE.validate_python(document, strict=True)
    attributes, labels = len(outline["attributes"]), len(outline["labels"])
    corrected = outline.get("calibration")
    parts: list[Mapping[str, Any]] = [*_both(outline["measures"])]
    parts += _both(outline["standard_errors"])
    if corrected is not None:
        parts += [*_both(corrected["as_labelled"]), corrected["standard_errors"]]
    for part in parts:
        check_figures(part, attributes, labels)


def check_figures(part: Mapping[str, Any], attributes: int, labels: int) -> None:
    """Raise ValueError where measures are not of so many attributes and labels."""
    pairs: tuple[int, ...] = (attributes, labels)
    shapes = {"AB": pairs, "skew": pairs, "RB": pairs[:1], "share": pairs[:1]}
    shapes["label_share"] = pairs[1:]
    for name, shape in shapes.items():
        if name in part and np.shape(np.array(part[name], np.float64)) != shape:
            raise ValueError(f"{name} is not of {attributes} attributes and {labels} labels")


def _both(sides: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [sides["before"], sides["predicted"]]
