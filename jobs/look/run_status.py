"""How far the stages of a run are and stand, as `jobs.session.counting` counts them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from jobs.session.begun import StageBegun, WorkFile, read_begun
from jobs.session.counting import NO_ATTEMPTS, STAGES, Attempts, Count, Record, Records
from jobs.session.holders import Holder, living
from jobs.session.outputs import damaged_files
from jobs.session.standing import labels_are_whole
from transforms.base.errors import FairshardError
from transforms.generations.on_file import numbers_on_file
from transforms.labels.records import LabelRecord
from transforms.labels.tables import labels_digest
from transforms.plan.plan import Plan
from transforms.resampling.manifest import manifest_on_file
from transforms.storage import paths
from transforms.storage.files import Storage
from transforms.storage.last_run import LastRun, read_run


@dataclass(frozen=True)
class StageStatus:
    """How far a stage is.

    rate: samples a second in this run; seconds_left by it. None where they are not known.
    """

    name: str
    state: str
    count: Count
    attempts: Attempts = NO_ATTEMPTS
    rate: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True)
class Status:
    """The last run in an output, who writes to it now, and its stages, in order.

    labelled: the records of the shards that are.
    """

    run: LastRun
    holders: tuple[Holder, ...]
    stages: tuple[StageStatus, ...]
    at: datetime
    labelled: tuple[LabelRecord, ...] = ()


class Watcher:
    """Reads an output's status, again and again."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._records = Records(storage)

    def status(self) -> Status:
        """How far the stages are; FairshardError where the output holds no run."""
        run, work = read_run(self._storage), read_begun(self._storage)
        holders, at = living(self._storage), datetime.now(UTC)
        records = {stage: self._records.counted(stage, _seen(stage, run, work)) for stage in STAGES}
        if not run.known and not (records["label"] or records["resample"]):
            raise FairshardError(
                f"{self._storage.url} holds no run: give the output folder, or the configuration, "
                "of a run that has begun"
            )
        view = _View(self._storage, run, work, holders, at, records)
        stages = (view.of_label(), view.of_solve(), view.of_resample())
        return Status(run, holders, stages, at, tuple(_labelled(records["label"])))

    def labelled(self) -> list[LabelRecord]:
        """The records of the input shards that are labelled."""
        seen = _seen("label", read_run(self._storage), read_begun(self._storage))
        return _labelled(self._records.counted("label", seen))


@dataclass(frozen=True)
class _View:
    """What is known of a run at one moment."""

    storage: Storage
    run: LastRun
    work: WorkFile
    holders: tuple[Holder, ...]
    at: datetime
    records: Mapping[str, Mapping[str, Record]]

    @property
    def plan(self) -> Plan | None:
        """The plan on file, unless it is one that the last run makes again."""
        made = (plan for plan in self.records["solve"].values() if isinstance(plan, Plan))
        return next(made, None)

    def of_label(self) -> StageStatus:
        """The status of labelling."""
        records, total = self.records["label"], _stage_of(self.work, "label").total
        done = self.plan is not None if total is None else len(records) >= total
        found = self._of_shards("label", total, done)
        whole = found.state != "done" or labels_are_whole(_labelled(records), self.storage)
        return found if whole else replace(found, state="damaged")

    def of_solve(self) -> StageStatus:
        """The status of the stage that makes the plan, which may be of other labels."""
        if self.plan is None:
            return StageStatus("solve", self._state("solve", False), Count(1))
        digest = labels_digest(_labelled(self.records["label"]))
        fits = self.plan.fingerprint.get("labels") == digest
        state = self._state("solve", True) if fits else "of other labels"
        return StageStatus("solve", state, Count(1, int(fits)))

    def of_resample(self) -> StageStatus:
        """The status of writing the output; done once there is the manifest, its last file.

        Damaged where files of the manifest are not, by name and size, what it says.
        """
        if self.plan is not None and self.plan.file.config.get("input", {}).get("tables"):
            return StageStatus("resample", "no shards", Count(0))
        manifest = manifest_on_file(self.storage)
        if manifest is None or self.plan is None:
            return self._of_shards("resample", self._expected(), False)
        if manifest.plan != self.plan.identity:
            new = self._expected()
            if manifest.generations or numbers_on_file(self.storage):
                total = None if new is None else len(manifest.shards) + new
                return self._of_shards("resample", total, False)
            return StageStatus("resample", "of another plan", Count(new))
        found = self._of_shards("resample", len(manifest.shards), True)
        recorded = {
            f"{paths.OUTPUT_RECORDS}/{name}{paths.RECORD}" for name in self.records["resample"]
        }
        damaged = damaged_files(manifest, recorded, self.storage)
        return found if found.state != "done" or not damaged else replace(found, state="damaged")

    def _of_shards(self, stage: str, total: int | None, whole: bool) -> StageStatus:
        records, since = self.records[stage].values(), self._began(stage)
        count = Count.of(records, total, _stage_of(self.work, stage))
        attempts = Attempts.of(stage, self.storage, self.holders, records, self.at)
        state = self._state(stage, whole)
        if state != "running" or since is None:
            return StageStatus(stage, state, count, attempts)
        elapsed = self.at.timestamp() - since
        return StageStatus(
            stage, state, count, attempts, count.rate(elapsed), count.seconds_left(elapsed)
        )

    def _state(self, stage: str, done: bool) -> str:
        current = self.run.stage if self._began(self.run.stage or "") else None
        if self.holders and current == stage:
            return "running"
        if done:
            return "done"
        if self.holders or current != stage:
            return "waiting" if self.holders else "not done"
        return "failed" if self.run.error else "stopped"

    def _began(self, stage: str) -> float | None:
        """When a stage began in the last run, in seconds since 1970."""
        since = self.run.began.get(stage)
        started = self.run.started
        if since is None or started is None:
            return None
        return float(since) if since >= datetime.fromisoformat(started).timestamp() else None

    def _expected(self) -> int | None:
        """About how many output shards there are to be, where that is known."""
        size = self.work.packing and self.work.packing.samples_per_shard
        if self.plan is None or not size:
            return None
        kept = self.plan.file.certificate.rate * self.plan.file.samples.balanced
        return max(1, math.ceil(float(kept / size)))


def _labelled(records: Mapping[str, Record]) -> list[LabelRecord]:
    return [record for record in records.values() if isinstance(record, LabelRecord)]


def _stage_of(work: WorkFile, stage: str) -> StageBegun:
    return work.stages.get(stage, StageBegun())


def _seen(stage: str, run: LastRun, work: WorkFile) -> Mapping[str, str]:
    """The versions of records that were stale when a stage began.

    Once it has ended none is, but for labels: those of shards that have left the input stay.
    """
    span = run.spans.get(stage)
    ended = span is not None and span[0] == run.began.get(stage)
    return {} if ended and stage != "label" else _stage_of(work, stage).seen
