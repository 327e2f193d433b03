"""What the report is made from: an output folder's artefacts, and the verdict that they give."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from transforms.base.errors import FairshardError, StaleError
from transforms.config.schema import Attribute
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord, label_record_from
from transforms.outcome.status import STANDARD_ERRORS
from transforms.plan.plan import Plan, read_histogram, read_plan
from transforms.plan.plan_file import check_shapes
from transforms.resampling.manifest import Manifest, read_manifest
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import Measures, PerMeasure
from transforms.statistics.standard_errors import sampling_error, together
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.files import Storage
from transforms.storage.last_run import LastRun, read_run
from transforms.storage.wellformed import well_formed


@dataclass(frozen=True)
class Artefacts:
    """The artefacts of a finished output; q is float64 (P,)."""

    plan: Plan
    config: Config
    attributes: tuple[Attribute, ...]
    histogram: Histogram
    q: NDArray[np.float64]
    manifest: Manifest
    records: tuple[LabelRecord, ...]
    run: LastRun

    @property
    def before(self) -> Measures:
        """Measured on the corpus that was balanced."""
        return self.plan.file.measures.before

    @property
    def predicted(self) -> Measures:
        """Predicted by the plan's weights."""
        return self.plan.file.predicted

    @property
    def after(self) -> Measures:
        """Measured on the output."""
        return self.manifest.measures

    @cached_property
    def as_labelled(self) -> Mapping[str, Measures]:
        """Before, predicted and after by recognised attributes, where the others are corrected."""
        calibrated, after = self.plan.file.calibration, self.manifest.as_labelled
        if calibrated is None or after is None:
            return {}
        planned = calibrated.as_labelled
        return {"before": planned.before, "predicted": planned.predicted, "after": after}

    @cached_property
    def corpus(self) -> Histogram:
        """The histogram that was balanced: of the true attributes, where there is a calibration."""
        return self.plan.corrected(self.histogram)

    @cached_property
    def share(self) -> float:
        """The share of the corpus that the histogram counts: below 1 where it is a sample."""
        return self.plan.solved_on / float(self.plan.file.samples.balanced)

    @property
    def drawn(self) -> Measures | None:
        """What the plan says the output measures; None where it leaves that to chance."""
        return self.plan.file.draw.of_all if self.plan.file.draw else None

    @property
    def grown(self) -> bool:
        """Whether the output is of several generations."""
        return len(self.manifest.generations or ()) > 1

    @cached_property
    def drawing_error(self) -> PerMeasure:
        """The standard errors of drawing the output by the plan."""
        return sampling_error(self.corpus, self.attributes, self.q).times(self.share**0.5)

    @cached_property
    def errors(self) -> Mapping[str, PerMeasure]:
        """The standard errors of the measures before, as predicted, and after: of the corpus as a
        sample, of the same, of drawing the output where that is left to chance (else nan); and all
        of the calibration.
        """
        planned, calibrated = self.plan.file.standard_errors, self.plan.file.calibration
        after = self.drawing_error if self.drawn is None else self.drawing_error.times(np.nan)
        if calibrated is not None:
            of_recognising = calibrated.standard_errors
            after = of_recognising if self.drawn else together(after, of_recognising)
        return {"before": planned.before, "predicted": planned.predicted, "after": after}

    @cached_property
    def allowance(self) -> PerMeasure:
        """How much chance explains of what is above a bound: nothing, where none is left to it."""
        return self.drawing_error.times(STANDARD_ERRORS if self.drawn is None else 0.0)

    @property
    def asked(self) -> PerMeasure:
        """The bounds that are asked for; nan where nothing is."""
        return self.plan.asked


def read_artefacts(storage: Storage) -> Artefacts:
    """The artefacts in `storage`.

    Raises FairshardError where plan or manifest is absent, or they are not of one run.
    """
    plan = read_plan(storage)
    if plan.file.config["input"].get("tables") and not storage.exists(paths.MANIFEST):
        raise FairshardError(
            f"{storage.url} has no output shards to tell of, as its corpus is of tables: "
            "`fairshard summary` says what the plan promises, `fairshard verify` whether it holds"
        )
    manifest = read_manifest(storage)
    if manifest.plan != plan.identity:
        raise StaleError(
            f"{storage.path(paths.MANIFEST)} was made with another plan than "
            f"{storage.path(paths.PLAN)}: run `fairshard resample` again"
        )
    where = storage.path(paths.PLAN)
    with well_formed(f"{where} holds another configuration: run `fairshard solve` again"):
        config = Config.model_validate({**plan.file.config, "output": {"url": storage.url}})
    where = storage.path(paths.MANIFEST)
    with well_formed(f"{where} does not fit its plan: run `fairshard resample` again"):
        _check_fits(manifest, plan)
    histogram, q = read_histogram(storage, plan)
    return Artefacts(
        plan,
        config,
        plan.terms.attributes,
        histogram,
        q,
        manifest,
        _records(storage, manifest),
        read_run(storage),
    )


def _check_fits(manifest: Manifest, plan: Plan) -> None:
    """Raise ValueError where a manifest does not measure what its plan balances."""
    measured = [manifest.measures]
    if plan.odds is not None:
        if manifest.as_labelled is None:
            raise ValueError("it does not measure the recognised attributes")
        measured.append(manifest.as_labelled)
    for found in measured:
        check_shapes(found, len(plan.terms.attributes), len(plan.terms.labels))


def _records(storage: Storage, manifest: Manifest) -> tuple[LabelRecord, ...]:
    """The records of the manifest's shards, of those that are left."""
    present = set(storage.names(paths.LABEL_RECORDS))
    shards = (paths.label_record(entry.shard) for entry in manifest.inputs)
    names = [name for name in shards if name.rsplit("/", 1)[-1] in present]
    contents = at_once(storage.read, names)
    where = storage.path(paths.LABEL_RECORDS)
    with well_formed(f"a record in {where} is none: run `fairshard label` again"):
        return tuple(map(label_record_from, contents))
