"""How far the stages of a run are, from its files alone, whatever runs it and wherever."""

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from jobs.session.begun import StageBegun, WorkFile
from jobs.session.holders import Holder, living
from jobs.session.labelled import labels_are_whole
from jobs.session.outputs import damaged_shards
from jobs.session.resume import read_work
from transforms.base.errors import FairshardError
from transforms.labels.records import LabelRecord, label_record_from
from transforms.labels.tables import labels_digest
from transforms.plan.plan import Plan, read_plan
from transforms.resampling.manifest import manifest_on_file
from transforms.resampling.records import OutputRecord, output_record_from
from transforms.storage import paths
from transforms.storage.attempts import Attempt, attempts_at
from transforms.storage.concurrent import at_once
from transforms.storage.files import Storage
from transforms.storage.last_run import LastRun, read_run

Recorded = LabelRecord | OutputRecord
STAGES = ("label", "solve", "resample")
_READ: dict[str, Callable[[bytes], Recorded]] = {
    "label": label_record_from,
    "resample": output_record_from,
}
_FOLDERS = {"label": "done/labels", "resample": "done/shards"}
_STRAGGLING = 3.0
_LEAST_FINISHED = 3


@dataclass(frozen=True)
class StageStatus:
    """How far a stage is.

    total is None where it is not known. failed and left are attempts that ended with an error, and
    attempts of no run that is alive. rate: samples a second in this run; seconds_left by it.
    straggling: running shards that take over three times as long as half of the finished ones did.
    """

    name: str
    state: str
    done: int
    total: int | None
    running: tuple[Attempt, ...] = ()
    failed: tuple[Attempt, ...] = ()
    left: tuple[Attempt, ...] = ()
    samples: int = 0
    rejected: int = 0
    rate: float | None = None
    seconds_left: float | None = None
    straggling: tuple[Attempt, ...] = ()


@dataclass(frozen=True)
class Status:
    """The last run in an output, who writes to it now, and its stages, in order."""

    run: LastRun
    holders: tuple[Holder, ...]
    stages: tuple[StageStatus, ...]
    at: datetime


@dataclass
class Watcher:
    """Reads an output's status, again and again: records that have not changed are read once."""

    storage: Storage
    _records: dict[str, tuple[str, Recorded]] = field(default_factory=dict)

    def status(self) -> Status:
        """How far the stages are; FairshardError where the output holds no run."""
        run, work = read_run(self.storage), read_work(self.storage)
        holders, at = living(self.storage), datetime.now(UTC)
        seen = {stage: _seen(stage, run, work) for stage in STAGES}
        records = {stage: self._counted(stage, seen[stage]) for stage in _FOLDERS}
        if not run.known and not any(records.values()):
            raise FairshardError(
                f"{self.storage.url} holds no run: give the output folder, or the configuration, "
                "of a run that has begun"
            )
        view = _View(self.storage, run, work, holders, at, self._plan(seen["solve"]))
        stages = (
            view.of_label(records["label"]),
            view.of_solve(records["label"]),
            view.of_resample(records["resample"]),
        )
        return Status(run, holders, stages, at)

    def labelled(self) -> list[LabelRecord]:
        """The records of the input shards that are labelled."""
        seen = _seen("label", read_run(self.storage), read_work(self.storage))
        records = self._counted("label", seen).values()
        return [record for record in records if isinstance(record, LabelRecord)]

    def _plan(self, seen: Mapping[str, str]) -> Plan | None:
        """The plan on file, unless it is one that the last run makes again."""
        name = paths.PLAN.rpartition("/")[2]
        version = self.storage.versions("plan").get(name)
        if version is None or seen.get(name) == version:
            return None
        try:
            return read_plan(self.storage)
        except FairshardError:
            return None

    def _counted(self, stage: str, seen: Mapping[str, str]) -> dict[str, Recorded]:
        """The records of a stage that count: all but those of versions `seen` when it began."""
        folder = _FOLDERS[stage]
        versions = {
            name: version
            for name, version in self.storage.versions(folder).items()
            if name.endswith(".json") and seen.get(name) != version
        }
        found = at_once(
            lambda name: self._record(stage, f"{folder}/{name}", versions[name]), versions
        )
        return {
            name.removesuffix(".json"): record
            for name, record in zip(versions, found, strict=True)
            if record is not None
        }

    def _record(self, stage: str, name: str, version: str) -> Recorded | None:
        known = self._records.get(name)
        if known is None or known[0] != version:
            try:
                known = version, _READ[stage](self.storage.read(name))
            except (FairshardError, ValueError):  # it is being replaced, or is no record
                return None
            self._records[name] = known
        return known[1]


@dataclass(frozen=True)
class _View:
    """What is known of a run at one moment."""

    storage: Storage
    run: LastRun
    work: WorkFile
    holders: tuple[Holder, ...]
    at: datetime
    plan: Plan | None

    def of_label(self, records: Mapping[str, Recorded]) -> StageStatus:
        """The status of labelling."""
        total = _stage_of(self.work, "label").total
        done = self.plan is not None if total is None else len(records) >= total
        found = self._of_shards("label", records, total, done)
        labelled = (record for record in records.values() if isinstance(record, LabelRecord))
        whole = found.state != "done" or labels_are_whole(labelled, self.storage)
        return found if whole else replace(found, state="damaged")

    def of_resample(self, records: Mapping[str, Recorded]) -> StageStatus:
        """The status of writing the output; done once there is the manifest, its last file.

        Damaged where shards of the manifest are not, by name and size, what it says.
        """
        manifest = manifest_on_file(self.storage)
        if manifest is None or self.plan is None:
            return self._of_shards("resample", records, self._expected(), False)
        if manifest.plan != self.plan.identity:
            return StageStatus("resample", "of another plan", 0, self._expected())
        found = self._of_shards("resample", records, len(manifest.shards), True)
        damaged = damaged_shards(manifest, records.keys(), self.storage)
        return found if found.state != "done" or not damaged else replace(found, state="damaged")

    def _of_shards(
        self, stage: str, records: Mapping[str, Recorded], total: int | None, whole: bool
    ) -> StageStatus:
        begun = _stage_of(self.work, stage)
        attempts = attempts_at(stage, self.storage)
        running = tuple(a for a in attempts if a.error is None and self._is_of_run(a))
        done, samples = len(records), sum(record.samples for record in records.values())
        rate, left = self._speed(stage, begun, done, samples, total)
        state = self._state(stage, whole)
        return StageStatus(
            stage,
            state,
            done,
            total,
            running,
            tuple(a for a in attempts if a.error is not None),
            tuple(a for a in attempts if a.error is None and a not in running),
            samples,
            sum(map(_rejects, records.values())),
            rate if state == "running" else None,
            left if state == "running" else None,
            self._straggling(running, records),
        )

    def of_solve(self, labels: Mapping[str, Recorded]) -> StageStatus:
        """The status of the stage that makes the plan, which may be of other labels."""
        if self.plan is None:
            return StageStatus("solve", self._state("solve", False), 0, 1)
        records = [record for record in labels.values() if isinstance(record, LabelRecord)]
        fits = self.plan.fingerprint.get("labels") == labels_digest(records)
        state = self._state("solve", True) if fits else "of other labels"
        return StageStatus("solve", state, int(fits), 1)

    def _is_of_run(self, attempt: Attempt) -> bool:
        """Whether an attempt began in a run that is alive."""
        return any(attempt.started >= holder.started for holder in self.holders)

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

    def _speed(
        self, stage: str, begun: StageBegun, done: int, samples: int, total: int | None
    ) -> tuple[float | None, float | None]:
        """Samples a second of this run, and the seconds left at its shards a second."""
        since = self._began(stage)
        shards = done - begun.done
        if since is None or shards <= 0:
            return None, None
        elapsed = max(self.at.timestamp() - since, 1e-3)
        left = None if total is None else elapsed * max(total - done, 0) / shards
        return (samples - begun.samples) / elapsed, left

    def _expected(self) -> int | None:
        """About how many output shards there are to be, where that is known."""
        size = self.work.packing and self.work.packing.samples_per_shard
        if self.plan is None or not size:
            return None
        kept = self.plan.file.certificate.rate * self.plan.file.samples.balanced
        return max(1, math.ceil(float(kept / size)))

    def _straggling(
        self, running: tuple[Attempt, ...], records: Mapping[str, Recorded]
    ) -> tuple[Attempt, ...]:
        took = [_seconds(record.seconds) for record in records.values()]
        if len(took) < _LEAST_FINISHED:
            return ()
        usual = _STRAGGLING * statistics.median(took)
        return tuple(attempt for attempt in running if attempt.age(self.at) > usual)


def _rejects(record: Recorded) -> int:
    return record.rejects if isinstance(record, LabelRecord) else 0


def _seconds(steps: Mapping[str, float]) -> float:
    return float(steps.get("total", sum(steps.values())))


def _stage_of(work: WorkFile, stage: str) -> StageBegun:
    return work.stages.get(stage, StageBegun())


def _seen(stage: str, run: LastRun, work: WorkFile) -> Mapping[str, str]:
    """The versions of records that were stale when a stage began.

    Once it has ended none is, but for labels: those of shards that have left the input stay.
    """
    span = run.spans.get(stage)
    ended = span is not None and span[0] == run.began.get(stage)
    return {} if ended and stage != "label" else _stage_of(work, stage).seen
