"""Progress of a running job, read from its files alone, so that every engine shows the same."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from jobs.session.counting import Count, Record, Records
from jobs.session.doing import Doing
from jobs.session.join_progress import JoinProgress
from jobs.session.run_record import record
from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.base.logs import event
from transforms.plan.plan import Plan
from transforms.stages.doing import STAGE as SOLVING
from transforms.storage.files import Storage
from transforms.storage.last_run import read_run

LABELLING = "label"
_POLL_SECONDS = 0.5
_LINE_SECONDS = 15.0
_PUBLISHED = {"label": "shard labelled", "solve": "plan written", "resample": "shard written"}


@dataclass
class Stage:
    """How far a stage is; what is counted is of this run alone.

    began is on the monotonic clock, 0 before that; since is the same moment in seconds since 1970.
    """

    name: str
    count: Count
    began: float = 0.0
    since: float = 0.0
    seconds: float | None = None

    def begin(self) -> None:
        """It is this stage's turn."""
        self.began, self.since = time.monotonic(), time.time()
        event("stage started", stage=self.name)

    def end(self) -> None:
        """The stage is done."""
        self.seconds = time.monotonic() - self.began
        event(
            "stage finished",
            stage=self.name,
            shards=self.count.shards,
            samples=self.count.samples,
            seconds=round(self.seconds, 3),
        )

    @property
    def elapsed(self) -> float:
        """The seconds since it began; those that it took, once it is done."""
        return self.seconds or time.monotonic() - self.began

    @property
    def speed(self) -> float:
        """Samples a second so far."""
        return self.count.rate(self.elapsed) or 0.0

    @property
    def left(self) -> timedelta | None:
        """The time left if the rest is as fast as what is done; None where that is not known."""
        left = self.count.seconds_left(self.elapsed)
        return None if left is None else timedelta(seconds=round(left))

    def __str__(self) -> str:
        done, total = self.count.shards, self.count.total
        whole = done if total is None else total
        shards = f"{done:,} of " * (total is not None) + counted(whole, "shard")
        left = "" if self.left is None else f", {self.left} left"
        return f"{self.name}: {shards}, {self.speed:,.0f} samples/s{left}"


class Watch:
    """Follows the stages of one job, in their order, through the files that they publish.

    `to_label` is the number of shards that the label stage has yet to do, `to_read` how many of
    them are to be read before tables are joined to them; None where none are joined.
    """

    def __init__(
        self,
        storage: Storage,
        stages: tuple[str, ...],
        to_label: int,
        to_read: int | None = None,
    ) -> None:
        totals = {"label": to_label, "solve": 1, "resample": None}
        self.stages = [Stage(name, Count(totals[name])) for name in stages]
        self._storage = storage
        self._records = Records(storage)
        self._seen = {name: self._records.versions(name) for name in stages}
        self._told: dict[str, Record] = {}
        self._doing = Doing(storage)
        joins = to_read is not None and to_label > 0
        self._joining = JoinProgress(storage, to_read or 0) if joins else None
        self._at = 0
        self._begin()

    @property
    def current(self) -> Stage:
        """The stage that is running."""
        return self.stages[self._at]

    @property
    def line(self) -> str:
        """How far the stage is that is running, or what is done in the one that solves."""
        if self.current.name == LABELLING and self.joining:
            return f"{LABELLING}: {self.joining}"
        return f"{SOLVING}: {self.doing}" if self.doing else str(self.current)

    @property
    def doing(self) -> str:
        """What the process that solves is doing, for how long: `explaining, 12 s`; "" for nothing
        that takes a name.
        """
        return self._doing.line

    @property
    def joining(self) -> str:
        """How far shards are read, and tables joined to them: `reading shards, 3 of 12`; or ""."""
        return self._joining.line if self._joining else ""

    def poll(self) -> None:
        """Count what has been published since the last poll."""
        while self._update(self.current) and self._at + 1 < len(self.stages):
            self._next()
        if self.current.name == LABELLING and self._joining:
            self._joining.poll()
        solves = any(stage.name == SOLVING and stage.began for stage in self.stages)
        if solves and (self.current.name == SOLVING or not self.current.count.shards):
            self._doing.poll()

    def end(self) -> dict[str, float]:
        """The seconds of each stage, once the job has ended."""
        self.poll()
        while self._at + 1 < len(self.stages):
            self._next()
        self.current.end()
        return {stage.name: stage.seconds or 0.0 for stage in self.stages}

    def _next(self) -> None:
        self.current.end()
        self._at += 1
        self._begin()

    def _begin(self) -> None:
        """Begin the current stage, and put it on file for those who look from elsewhere."""
        self._told = {}
        self.current.begin()
        began = read_run(self._storage).began
        now = {**began, self.current.name: self.current.since}
        record(self._storage, stage=self.current.name, began=now)

    def _update(self, stage: Stage) -> bool:
        """Count what a stage has published; whether that is all."""
        found = self._records.counted(stage.name, self._seen[stage.name])
        stage.count = Count.of(found.values(), stage.count.total)
        for shard, published in found.items():
            if self._told.get(shard) is not published:
                event(_PUBLISHED[stage.name], stage=stage.name, **_figures(shard, published))
        self._told = found
        return stage.count.total is not None and stage.count.shards >= stage.count.total


def _figures(shard: str, published: Record) -> dict[str, Any]:
    """What an event says of a completion record, or of the plan."""
    if isinstance(published, Plan):
        samples, certificate = published.file.samples, published.file.certificate
        return {"samples": samples.to_dict(), "certificate": certificate.to_dict()}
    figures = ("samples", "rejects", "bytes", "device")
    return {
        "shard": shard,
        **{name: getattr(published, name) for name in figures if hasattr(published, name)},
        "seconds": {step: round(value, 3) for step, value in published.seconds.items()},
    }


@contextmanager
def watched(
    storage: Storage,
    stages: tuple[str, ...],
    to_label: int,
    console: Console,
    to_read: int | None = None,
) -> Iterator[dict[str, float]]:
    """Show the progress of a job that runs in the block; yields its stages' seconds to be."""
    watch = Watch(storage, stages, to_label, to_read)
    stop = threading.Event()
    show = _bars if console.is_terminal else _lines
    thread = threading.Thread(target=show, args=(watch, console, stop), daemon=True)
    thread.start()
    seconds: dict[str, float] = {}
    try:
        yield seconds
    except Exception:
        event("stage failed", stage=watch.current.name)
        raise
    finally:
        stop.set()
        thread.join()
    seconds.update(watch.end())
    _keep(watch, storage)


def _keep(watch: Watch, storage: Storage) -> None:
    """Put the times of the stages on file: their seconds, and from when to when each ran."""
    run = read_run(storage)
    seconds = {stage.name: stage.seconds for stage in watch.stages}
    spans = {
        stage.name: [stage.since, stage.since + (stage.seconds or 0.0)] for stage in watch.stages
    }
    record(
        storage,
        stages={**run.stages, **seconds},
        spans={**run.spans, **spans},
    )


def _poll(watch: Watch) -> None:
    with suppress(FairshardError):  # what the storage does not tell now, it tells the next time
        watch.poll()


def _bars(watch: Watch, console: Console, stop: threading.Event) -> None:
    columns = (
        TextColumn("{task.description:<9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("shards, {task.fields[speed]:,.0f} samples/s, left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[doing]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bars = {
            stage.name: progress.add_task(
                stage.name, total=stage.count.total, start=False, speed=0.0, doing=""
            )
            for stage in watch.stages
        }
        while not stop.wait(_POLL_SECONDS):
            _poll(watch)
            doing = {SOLVING: watch.doing, LABELLING: watch.joining}
            for stage in watch.stages:
                if stage.began and not progress.tasks[bars[stage.name]].started:
                    progress.start_task(bars[stage.name])
                progress.update(
                    bars[stage.name],
                    completed=stage.count.shards,
                    speed=stage.speed,
                    doing=doing.get(stage.name, ""),
                )


def _lines(watch: Watch, console: Console, stop: threading.Event) -> None:
    said, doing = time.monotonic(), ""
    while not stop.wait(_POLL_SECONDS):
        _poll(watch)
        begins = watch.doing.partition(",")[0]
        if time.monotonic() - said >= _LINE_SECONDS or begins not in ("", doing):
            said = time.monotonic()
            console.print(watch.line, highlight=False)
        doing = begins or doing
