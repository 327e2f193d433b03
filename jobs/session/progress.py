"""Progress of a running job, read from its files alone, so that every engine shows the same."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
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

from jobs.session.run_record import record
from transforms.base.errors import FairshardError
from transforms.base.logs import event
from transforms.labels.records import label_record_from
from transforms.resampling.records import output_record_from
from transforms.storage.documents import json_in
from transforms.storage.files import Storage
from transforms.storage.last_run import read_run

_POLL_SECONDS = 0.5
_LINE_SECONDS = 15.0
_FOLDERS = {"label": "done/labels", "solve": "plan", "resample": "done/shards"}
_PUBLISHED = {"label": "shard labelled", "solve": "plan written", "resample": "shard written"}


@dataclass
class Stage:
    """How far a stage is. shards and samples are those of this run; total is None if unknown.

    began is on the monotonic clock, 0 before that; since is the same moment in seconds since 1970.
    """

    name: str
    total: int | None
    shards: int = 0
    samples: int = 0
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
            shards=self.shards,
            samples=self.samples,
            seconds=round(self.seconds, 3),
        )

    @property
    def speed(self) -> float:
        """Samples a second so far."""
        elapsed = self.seconds or time.monotonic() - self.began
        return self.samples / max(elapsed, _POLL_SECONDS)

    @property
    def left(self) -> timedelta | None:
        """The time left if the rest is as fast as what is done; None where that is not known."""
        if self.total is None or not self.shards:
            return None
        elapsed = time.monotonic() - self.began
        return timedelta(seconds=round(elapsed * (self.total - self.shards) / self.shards))

    def __str__(self) -> str:
        shards = f"{self.shards:,}" if self.total is None else f"{self.shards:,} of {self.total:,}"
        left = "" if self.left is None else f", {self.left} left"
        return f"{self.name}: {shards} shards, {self.speed:,.0f} samples/s{left}"


class Watch:
    """Follows the stages of one job, in their order, through the files that they publish.

    `to_label` is the number of shards that the label stage has yet to do.
    """

    def __init__(self, storage: Storage, stages: tuple[str, ...], to_label: int) -> None:
        totals = {"label": to_label, "solve": 1, "resample": None}
        self.stages = [Stage(name, totals[name]) for name in stages]
        self._storage = storage
        self._seen = {name: storage.versions(folder) for name, folder in _FOLDERS.items()}
        self._at = 0
        self._begin()

    @property
    def current(self) -> Stage:
        """The stage that is running."""
        return self.stages[self._at]

    def poll(self) -> None:
        """Count what has been published since the last poll."""
        while self._update(self.current) and self._at + 1 < len(self.stages):
            self._next()

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
        self.current.begin()
        began = read_run(self._storage).began
        now = {**began, self.current.name: self.current.since}
        record(self._storage, stage=self.current.name, began=now)

    def _update(self, stage: Stage) -> bool:
        folder = _FOLDERS[stage.name]
        for name, version in self._storage.versions(folder).items():
            if name.endswith(".json") and self._seen[stage.name].get(name) != version:
                self._seen[stage.name][name] = version
                stage.shards += 1
                record = self._record(stage.name, f"{folder}/{name}")
                samples = record.get("samples")
                stage.samples += samples if isinstance(samples, int) else 0
                event(_PUBLISHED[stage.name], stage=stage.name, **_told(stage.name, name, record))
        return stage.total is not None and stage.shards >= stage.total

    def _record(self, stage: str, name: str) -> dict[str, Any]:
        try:
            content = self._storage.read(name)
            if stage == "solve":
                return json_in(content)
            read = label_record_from if stage == "label" else output_record_from
            return asdict(read(content))
        except (FairshardError, ValueError):
            return {}


def _told(stage: str, name: str, record: dict[str, Any]) -> dict[str, Any]:
    """What an event says of a completion record: its shard, and its figures."""
    if stage == "solve":
        return {"samples": record.get("samples"), "certificate": record.get("certificate")}
    figures = ("samples", "rejects", "bytes", "device")
    return {
        "shard": name.removesuffix(".json"),
        **{figure: record[figure] for figure in figures if figure in record},
        "seconds": {step: round(value, 3) for step, value in record.get("seconds", {}).items()},
    }


@contextmanager
def watched(
    storage: Storage, stages: tuple[str, ...], to_label: int, console: Console
) -> Iterator[dict[str, float]]:
    """Show the progress of a job that runs in the block; yields its stages' seconds to be."""
    watch = Watch(storage, stages, to_label)
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
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bars = {
            stage.name: progress.add_task(stage.name, total=stage.total, start=False, speed=0.0)
            for stage in watch.stages
        }
        while not stop.wait(_POLL_SECONDS):
            _poll(watch)
            for stage in watch.stages:
                if stage.began and not progress.tasks[bars[stage.name]].started:
                    progress.start_task(bars[stage.name])
                progress.update(bars[stage.name], completed=stage.shards, speed=stage.speed)


def _lines(watch: Watch, console: Console, stop: threading.Event) -> None:
    said = time.monotonic()
    while not stop.wait(_POLL_SECONDS):
        _poll(watch)
        if time.monotonic() - said >= _LINE_SECONDS:
            said = time.monotonic()
            console.print(str(watch.current), highlight=False)
