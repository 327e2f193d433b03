"""plan.json: what a plan says, in the order in which the file says it."""

import json
from typing import Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter

from transforms.base.errors import FairshardError
from transforms.config.balance import Kind, ShareBound
from transforms.config.schema import Attribute
from transforms.feasibility.remedies import Conflict
from transforms.labels.tables import digest
from transforms.m4.constraints import Constraint, Sign
from transforms.plan.drawn_file import DrawnFigures
from transforms.statistics.measures import Measures, PerMeasure
from transforms.storage.documents import Count, Document, Finite, json_in, parsed

VERSION = 2

Some = Annotated[Count, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]


class PlannedMeasures(Document):
    """The measures of the corpus as it is, and of the balanced one as the plan predicts it."""

    before: Measures
    predicted: Measures


class PlannedErrors(Document):
    """Their standard errors."""

    before: PerMeasure
    predicted: PerMeasure


class Scalars(Document):
    """The rate eta, the largest weight Q, the largest price V, but of kinds that have another."""

    eta: Finite
    Q: Finite
    V: Finite
    other_V: dict[Kind, Finite] | None = None


class RateFound(Document):
    """The rate where it was left open, and a bound that no attainable rate exceeds."""

    rate: Finite
    upper: Finite


class PlannedAttribute(Document):
    """An attribute, and the shares around which its associations are linear: its own, labels'."""

    name: str
    group: str
    target: Finite | None
    share_of: str
    centre: Finite
    label_centres: tuple[Finite, ...]

    @property
    def attribute(self) -> Attribute:
        """What the configuration says of it."""
        return Attribute(self.name, self.group, self.target, self.share_of)


class SampleCounts(Document):
    """How many samples were labelled, what became of them, and in how many patterns they are."""

    labelled: Count
    filtered: Count
    balanced: Some
    rejected: Count
    patterns: Some


class CarrierCounts(Document):
    """How many samples there are, and how many of them carry each attribute and each label."""

    samples: Count
    attributes: tuple[Count, ...]
    labels: tuple[Count, ...]


class ConditionCounts(Document):
    """The samples that a condition of the filter takes, whatever the others take of them.

    lacking: how many samples have no value where it asks for one.
    """

    name: str
    taken: CarrierCounts
    lacking: Count | None = None


class Filtered(Document):
    """The samples that were labelled, and those of them that each condition of the filter takes.

    together: those that one of them or more take, where there are several.
    """

    labelled: CarrierCounts
    conditions: tuple[ConditionCounts, ...]
    together: CarrierCounts | None = None


class PatternsFile(Document):
    """The file of the patterns that the plan was made with."""

    bytes: Count
    digest: str


class PassFigures(Document):
    """The certificate that a pass over the corpus gave."""

    gap: float
    violation: float
    rate: float


class Sampled(Document):
    """The samples that were solved on, their share, and the passes that polished the solution."""

    samples: Some
    share: Share
    passes: tuple[PassFigures, ...]
    polished: bool


class RankFigures(Document):
    """By how much some kinds of constraints are violated in total; no weights of this rate that
    violate the ranks before by no more than these do have less than least_excess.
    """

    kinds: tuple[Kind, ...]
    excess: float
    least_excess: float


class CertificateFigures(Document):
    """dual <= optimum <= primal, their relative gap, the largest violation, E[q].

    excess: by how much constraints are violated in total; no weights of this rate have less than
    least_excess, which is 0 where all is met or nothing is proven. ranks: the same of the kinds of
    constraints, those that come first at first, where not all are met and some come first.
    """

    primal: float
    dual: float
    gap: float
    violation: float
    rate: float
    utility_error_bound: float
    excess: float | None = None
    least_excess: float | None = None
    ranks: tuple[RankFigures, ...] | None = None


class CalibrationFigures(Document):
    """The log odds of true attributes, by attribute, recognised value and feature; the measures by
    recognised attributes; the errors that the calibration leaves in the predicted measures.
    """

    log_odds: dict[str, tuple[dict[str, Finite], dict[str, Finite]]]
    as_labelled: PlannedMeasures
    standard_errors: PerMeasure


class ConstraintRow(Document):
    """A constraint at the solution: its price, and E[q a], above 0 where it is violated.

    bound: of a bound on a share. proof: its multipliers in the proofs of the certificate's
    least_excess, one a rank, if any.
    """

    kind: Kind
    attribute: str | None
    label: str | None
    sign: Sign
    bound: Finite | None = None
    tolerance: Finite
    price: Annotated[Finite, Field(ge=0)]
    slack: float
    met: bool = Field(alias="attainable")
    proof: tuple[Annotated[Finite, Field(ge=0)], ...] | None = None

    @property
    def constraint(self) -> Constraint:
        """What is constrained."""
        return Constraint(self.kind, self.attribute, self.label, self.sign, self.bound)

    @property
    def share(self) -> ShareBound:
        """The bound on a share that it is; ValueError where it has none."""
        if self.bound is None or (self.attribute is None) == (self.label is None):
            raise ValueError(f"a bound on a share is of one name: {self.constraint}")
        return ShareBound(self.attribute, self.label, self.sign, self.bound)


class PlanFile(Document):
    """A plan as it is on file; what has a default is not in every file of this version.

    draw: None in plans of earlier versions, whose outputs are drawn by systematic sampling alone.
    conflict: in plans of earlier versions, why some constraints are missed. Today that is a file of
    its own (transforms/plan/explanation_file.py).
    """

    version: int
    fingerprint: dict[str, str]
    config: dict[str, Any]
    problem: Scalars
    largest_rate: RateFound | None = None
    attributes: tuple[PlannedAttribute, ...]
    labels: tuple[str, ...]
    samples: SampleCounts
    filtered: Filtered | None = None
    patterns: PatternsFile | None = None
    sampled: Sampled | None = None
    certificate: CertificateFigures
    missed: tuple[str, ...] = Field(alias="unattainable")
    conflict: Conflict | None
    without_support: tuple[str, ...]
    measures: PlannedMeasures
    standard_errors: PlannedErrors
    calibration: CalibrationFigures | None = None
    draw: DrawnFigures | None = None
    mu: Finite
    constraints: tuple[ConstraintRow, ...]

    @property
    def identity(self) -> str:
        """A digest of what the plan was made from, its terms, its dual variables and its flips."""
        parts = {"problem", "attributes", "labels", "mu", "constraints"}
        solved = self.model_dump(include=parts, by_alias=True, exclude_unset=True)
        flips = [self.draw.flips.digest] if self.draw and self.draw.flips else []
        return digest(json.dumps([sorted(self.fingerprint.items()), solved, *flips]).encode())

    def to_json(self) -> bytes:
        """JSON for people: indented, a line for each constraint."""
        values = self.to_dict()
        rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in values["constraints"])
        head = json.dumps({**values, "constraints": []}, indent=1, ensure_ascii=False)
        body, end = head.rsplit("[]", 1)
        return f"{body}[\n  {rows}\n ]{end}\n".encode()


_FORM = TypeAdapter(PlanFile)


def plan_file_from(content: bytes, where: str) -> PlanFile:
    """The plan in the JSON `content`; FairshardError where it is of another version than ours.

    ValueError, KeyError where it is none, or its parts do not fit each other.
    """
    version = json_in(content)["version"]
    if version != VERSION:
        raise FairshardError(
            f"{where} is of version {version}, this fairshard reads version {VERSION}: run "
            "`fairshard solve` again"
        )
    found = parsed(content, _FORM)
    measured: list[Measures | PerMeasure] = [found.measures.before, found.measures.predicted]
    measured += [found.standard_errors.before, found.standard_errors.predicted]
    if found.draw is not None:
        measured += [one for one in (found.draw.measures, found.draw.as_labelled) if one]
    if found.calibration is not None:
        by_labels = found.calibration.as_labelled
        measured += [by_labels.before, by_labels.predicted, found.calibration.standard_errors]
    for one in measured:
        check_shapes(one, len(found.attributes), len(found.labels))
    if found.filtered is not None:
        _check_counts(found.filtered, len(found.attributes), len(found.labels))
    return found


def check_shapes(found: Measures | PerMeasure, attributes: int, labels: int) -> None:
    """Raise ValueError where measures are not of so many attributes and labels."""
    pairs = (attributes, labels)
    shapes: dict[str, tuple[int, ...]] = {"RB": pairs[:1], "AB": pairs, "skew": pairs}
    if isinstance(found, Measures):
        shapes |= {"share": pairs[:1], "label_share": pairs[1:]}
    for name, shape in shapes.items():
        if np.shape(getattr(found, name)) != shape:
            raise ValueError(f"{name} is not of {attributes} attributes and {labels} labels")


def _check_counts(found: Filtered, attributes: int, labels: int) -> None:
    """Raise ValueError where a filter's counts are not of these, or it takes what is not there."""
    taken = [condition.taken for condition in found.conditions]
    for one in (found.labelled, *taken, *([found.together] if found.together else [])):
        if (len(one.attributes), len(one.labels)) != (attributes, labels):
            raise ValueError(f"filtered is not of {attributes} attributes and {labels} labels")
        if any(map(int.__gt__, _numbers(one), _numbers(found.labelled))):
            raise ValueError("a filter takes more samples than were labelled")


def _numbers(counts: CarrierCounts) -> tuple[int, ...]:
    return (counts.samples, *counts.attributes, *counts.labels)
