"""What the report is made from: an output folder's artefacts, and the verdict that they give."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from transforms import layout
from transforms.bounds import Bounds, sampling_error, together, worst_of
from transforms.config import Config
from transforms.errors import StaleError
from transforms.histogram import Histogram
from transforms.last_run import read_run
from transforms.manifest import read_manifest
from transforms.measures import Measures
from transforms.plan import Plan, read_histogram, read_plan
from transforms.plan_outline import check_figures
from transforms.reading import at_once
from transforms.records import LabelRecord, label_record_from
from transforms.schema import Attribute
from transforms.storage import Storage
from transforms.targets import targets_of
from transforms.terms import VACUOUS
from transforms.wellformed import well_formed

Status = Literal["met", "within sampling error", "missed", "not asked", "no data"]
_ROUNDING = 5e-5
_STANDARD_ERRORS = 4


@dataclass(frozen=True)
class Run:
    """What is known of the run: its engine, the seconds of each stage, when it finished."""

    engine: str
    stages: Mapping[str, float]
    finished: str


@dataclass(frozen=True)
class Artefacts:
    """The artefacts of a finished output; q is float64 (P,)."""

    plan: Plan
    config: Config
    attributes: tuple[Attribute, ...]
    histogram: Histogram
    q: NDArray[np.float64]
    manifest: Mapping[str, Any]
    records: tuple[LabelRecord, ...]
    run: Run

    @cached_property
    def before(self) -> Measures:
        """Measured on the corpus that was balanced."""
        return Measures.from_dict(self.plan.document["measures"]["before"])

    @cached_property
    def predicted(self) -> Measures:
        """Predicted by the plan's weights."""
        return Measures.from_dict(self.plan.document["measures"]["predicted"])

    @cached_property
    def after(self) -> Measures:
        """Measured on the output."""
        return Measures.from_dict(dict(self.manifest["measures"]))

    @cached_property
    def as_labelled(self) -> Mapping[str, Measures]:
        """Before, predicted and after by recognised attributes, where the others are corrected."""
        calibrated = self.plan.document.get("calibration")
        if calibrated is None:
            return {}
        found = {**calibrated["as_labelled"], "after": dict(self.manifest["as_labelled"])}
        return {when: Measures.from_dict(values) for when, values in found.items()}

    @cached_property
    def corpus(self) -> Histogram:
        """The histogram that was balanced: of the true attributes, where there is a calibration."""
        return self.plan.corrected(self.histogram)

    @cached_property
    def share(self) -> float:
        """The share of the corpus that the histogram counts: below 1 where it is a sample."""
        return self.plan.solved_on / float(self.plan.document["samples"]["balanced"])

    @cached_property
    def drawing_error(self) -> Bounds:
        """The standard errors of drawing the output by the plan."""
        return sampling_error(self.corpus, self.attributes, self.q).times(self.share**0.5)

    @cached_property
    def errors(self) -> Mapping[str, Bounds]:
        """The standard errors of the measures before, as predicted, and after: of the corpus as a
        sample, of the same, of drawing the output; and all of the calibration.
        """
        document = self.plan.document
        found = {
            when: Bounds.from_dict(values) for when, values in document["standard_errors"].items()
        }
        calibrated = document.get("calibration")
        if calibrated is None:
            return {**found, "after": self.drawing_error}
        left = Bounds.from_dict(calibrated["standard_errors"])
        return {**found, "after": together(self.drawing_error, left)}

    @cached_property
    def asked(self) -> Bounds:
        """The bounds that are asked for; nan where nothing is."""
        targets = targets_of(self.attributes, self.histogram.labels, self.config.balance)
        bounds = (targets.RB, targets.AB, targets.skew)
        return Bounds(*(np.where(bound < VACUOUS, bound, np.nan) for bound in bounds))


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


def read_artefacts(storage: Storage) -> Artefacts:
    """The artefacts in `storage`.

    Raises FairshardError where plan or manifest is absent, or they are not of one run.
    """
    plan = read_plan(storage)
    manifest = read_manifest(storage)
    if manifest["plan"] != plan.identity:
        raise StaleError(
            f"{storage.path(layout.MANIFEST)} was made with another plan than "
            f"{storage.path(layout.PLAN)}: run `fairshard resample` again"
        )
    document = plan.document
    where = storage.path(layout.PLAN)
    with well_formed(f"{where} holds another configuration: run `fairshard solve` again"):
        config = Config.model_validate({**document["config"], "output": {"url": storage.url}})
    where, labels = storage.path(layout.MANIFEST), len(document["labels"])
    with well_formed(f"{where} does not fit its plan: run `fairshard resample` again"):
        for part in [manifest["measures"]] + [manifest["as_labelled"]] * (plan.odds is not None):
            check_figures(part, len(plan.terms.attributes), labels)
    histogram, q = read_histogram(storage, document)
    return Artefacts(
        plan,
        config,
        plan.terms.attributes,
        histogram,
        q,
        manifest,
        _records(storage, manifest),
        _run(storage),
    )


def measure_rows(artefacts: Artefacts) -> tuple[MeasureRow, ...]:
    """RB and, where there are labels, AB and label skew: before, as predicted and after."""
    rows = [_measure_row("RB", "Representation bias", artefacts)]
    if artefacts.histogram.labels:
        rows.append(_measure_row("AB", "Association bias", artefacts))
        rows.append(_measure_row("skew", "Label skew", artefacts))
    return tuple(rows)


def verdict_of(artefacts: Artefacts, rows: tuple[MeasureRow, ...]) -> Verdict:
    """Whether what was asked for is met: by the plan, and by the output as measured."""
    document = artefacts.plan.document
    unattainable = len(document["unattainable"])
    if unattainable:
        constraints = len(document["constraints"]) - len(document["without_support"])
        return Verdict(
            f"{unattainable:,} of {constraints:,} constraints cannot be met at "
            f"eta = {artefacts.plan.terms.eta:g}.",
            "missed",
        )
    missed = [row.name for row in rows if row.status == "missed"]
    if missed:
        return Verdict(
            f"The plan meets everything asked for; the output misses {' and '.join(missed)} by "
            "more than sampling explains.",
            "partly",
        )
    if any(row.status == "within sampling error" for row in rows):
        return Verdict(
            "The plan meets everything asked for, and the output is within sampling error of it.",
            "met",
        )
    return Verdict("Everything asked for is met.", "met")


def _run(storage: Storage) -> Run:
    known = read_run(storage)
    return Run(known.get("engine", ""), known.get("stages", {}), known.get("finished") or "")


def _records(storage: Storage, manifest: Mapping[str, Any]) -> tuple[LabelRecord, ...]:
    """The records of the manifest's shards, of those that are left."""
    present = set(storage.names("done/labels"))
    shards = (layout.label_record(entry["shard"]) for entry in manifest["inputs"])
    names = [name for name in shards if name.rsplit("/", 1)[-1] in present]
    contents = at_once(storage.read, names)
    where = storage.path("done/labels")
    with well_formed(f"a record in {where} is none: run `fairshard label` again"):
        return tuple(map(label_record_from, contents))


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
