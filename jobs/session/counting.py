"""How far the stages of a run are, counted from an output's files alone, whatever runs it.

What a run shows while it runs, and what `fairshard status` shows of it, is what is counted here.
"""

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from jobs.session.begun import StageBegun
from jobs.session.holders import Holder
from transforms.base.errors import FairshardError
from transforms.labels.records import LabelRecord, label_record_from
from transforms.plan.plan import Plan, plan_from
from transforms.resampling.records import OutputRecord, output_record_from
from transforms.storage import paths
from transforms.storage.attempts import Attempt, attempts_at
from transforms.storage.concurrent import at_once
from transforms.storage.files import Storage
from transforms.storage.shared_labels import own_shards
from transforms.storage.wellformed import well_formed

Record = LabelRecord | Plan | OutputRecord
STAGES = ("label", "solve", "resample")
_FOLDERS = {
    "label": paths.LABEL_RECORDS,
    "solve": paths.PLANS,
    "resample": paths.OUTPUT_RECORDS,
}
_STRAGGLING = 3.0
_LEAST_FINISHED = 3
_LEAST_SECONDS = 1e-3
_NOTHING_BEFORE = StageBegun()


@dataclass(frozen=True)
class Records:
    """What the stages have published: a record a shard, and the plan. Each version is read once."""

    storage: Storage
    _read: dict[str, tuple[str, Record]] = field(default_factory=dict)

    def versions(self, stage: str) -> dict[str, str]:
        """The version of each file of a stage's folder that may be a record, by its name."""
        folder = _FOLDERS[stage]
        found = self.storage.versions(folder)
        if stage == "solve":
            found = {name: found[name] for name in found if f"{folder}/{name}" == paths.PLAN}
        own = own_shards(self.storage) if stage == "label" else None
        return {
            name: version
            for name, version in found.items()
            if name.endswith(paths.RECORD)
            and (own is None or name.removesuffix(paths.RECORD) in own)
        }

    def counted(self, stage: str, seen: Mapping[str, str]) -> dict[str, Record]:
        """The records of a stage that count, by name: all but versions that were `seen` before.

        One that is being replaced, or is no record, does not count.
        """
        versions = {
            name: version
            for name, version in self.versions(stage).items()
            if seen.get(name) != version
        }
        found = at_once(lambda name: self._record(stage, name, versions[name]), versions)
        return {
            name.removesuffix(paths.RECORD): record
            for name, record in zip(versions, found, strict=True)
            if record is not None
        }

    def _record(self, stage: str, name: str, version: str) -> Record | None:
        path = f"{_FOLDERS[stage]}/{name}"
        known = self._read.get(path)
        if known is None or known[0] != version:
            try:
                known = version, _record_from(stage, self.storage.read(path))
            except (FairshardError, ValueError):
                return None
            self._read[path] = known
        return known[1]


@dataclass(frozen=True)
class Count:
    """What a stage has done: shards, of `total` where that is known, and the samples in them.

    before, samples_before: how many of these were there when the run began.
    """

    total: int | None
    shards: int = 0
    samples: int = 0
    rejected: int = 0
    before: int = 0
    samples_before: int = 0

    @classmethod
    def of(
        cls, records: Collection[Record], total: int | None, begun: StageBegun = _NOTHING_BEFORE
    ) -> "Count":
        """Those of `records`, of a stage that began as `begun` says."""
        return cls(
            total,
            len(records),
            sum(record.samples for record in records if not isinstance(record, Plan)),
            sum(record.rejects for record in records if isinstance(record, LabelRecord)),
            begun.done,
            begun.samples,
        )

    def rate(self, seconds: float) -> float | None:
        """Samples a second, where the run has done any shard in its `seconds`."""
        if self.shards <= self.before:
            return None
        return (self.samples - self.samples_before) / max(seconds, _LEAST_SECONDS)

    def seconds_left(self, seconds: float) -> float | None:
        """The seconds left if the rest is as fast as what the run did in `seconds`; or None."""
        done = self.shards - self.before
        if self.total is None or done <= 0:
            return None
        return max(seconds, _LEAST_SECONDS) * max(self.total - self.shards, 0) / done


@dataclass(frozen=True)
class Attempts:
    """The attempts at shards of a stage that have not succeeded.

    running: those of a run that is alive. failed: those that ended with an error. left: the others,
    whose processes are gone. straggling: running ones that take over three times as long as half of
    the finished shards did.
    """

    running: tuple[Attempt, ...] = ()
    failed: tuple[Attempt, ...] = ()
    left: tuple[Attempt, ...] = ()
    straggling: tuple[Attempt, ...] = ()

    @classmethod
    def of(
        cls,
        stage: str,
        storage: Storage,
        holders: Sequence[Holder],
        finished: Collection[Record],
        at: datetime,
    ) -> "Attempts":
        """Those on file, of runs that are alive if one of `holders` was there when they began."""
        found = attempts_at(stage, storage)
        going = [attempt for attempt in found if attempt.error is None]
        running = tuple(
            attempt
            for attempt in going
            if any(attempt.started >= holder.started for holder in holders)
        )
        return cls(
            running,
            tuple(attempt for attempt in found if attempt.error is not None),
            tuple(attempt for attempt in going if attempt not in running),
            _straggling(running, finished, at),
        )


NO_ATTEMPTS = Attempts()


def _record_from(stage: str, content: bytes) -> Record:
    """The record in a file of a stage; ValueError or FairshardError where there is none."""
    if stage == "label":
        return label_record_from(content)
    if stage == "resample":
        return output_record_from(content)
    with well_formed(f"{paths.PLAN} is not a plan"):
        return plan_from(content, paths.PLAN)


def _straggling(
    running: tuple[Attempt, ...], finished: Collection[Record], at: datetime
) -> tuple[Attempt, ...]:
    took = [_seconds(record.seconds) for record in finished if not isinstance(record, Plan)]
    if len(took) < _LEAST_FINISHED:
        return ()
    usual = _STRAGGLING * statistics.median(took)
    return tuple(attempt for attempt in running if attempt.age(at) > usual)


def _seconds(steps: Mapping[str, float]) -> float:
    return float(steps.get("total", sum(steps.values())))
