"""The job that says how far a run is, from its files alone."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from jobs.look.run_status import StageStatus, Status, Watcher
from jobs.session.generations import generation_lines, shown_generations
from jobs.session.matches import shown_matches
from transforms.base.redaction import redacted_values
from transforms.base.visible import visible_values
from transforms.stages.join_notes import noted_step
from transforms.storage.attempts import Attempt
from transforms.storage.files import Storage

_REFRESH_SECONDS = 2.0
_SHOWN = 5
_HEADINGS = ("stage", "", "shards", "running", "failed", "samples", "rejects", "per s", "left")
_COLOURS = {
    "done": "green",
    "running": "cyan",
    "failed": "red",
    "stopped": "yellow",
    "damaged": "red",
}


def run(storage: Storage) -> dict[str, Any]:
    """How far the stages are; FairshardError where the output holds no run."""
    return in_values(Watcher(storage).status(), storage)


def watch(storage: Storage, console: Console) -> None:
    """Show it, again and again, until no run writes to the output any more."""
    watcher = Watcher(storage)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            found = redacted_values(in_values(watcher.status(), storage))
            live.update(_page(visible_values(found)), refresh=True)
            if not found["active"]:
                return
            time.sleep(_REFRESH_SECONDS)


def show(summary: dict[str, Any], console: Console) -> None:
    """Print it for people."""
    console.print(_page(summary))


def in_values(status: Status, storage: Storage) -> dict[str, Any]:
    """A status for programs; times in seconds."""
    run = status.run
    return {
        "output": storage.url,
        "active": bool(status.holders),
        "run": {
            name: getattr(run, name)
            for name in ("run", "command", "engine", "error", "met", "started", "finished")
        },
        "writers": [
            {"host": holder.host, "pid": holder.pid, "run": holder.run} for holder in status.holders
        ],
        "stages": [_stage(stage, status.at) for stage in status.stages],
        **shown_generations(storage),
        **shown_matches(status.labelled, storage),
        **_joining(status, storage),
    }


def _stage(stage: StageStatus, at: datetime) -> dict[str, Any]:
    def shown(attempts: tuple[Attempt, ...]) -> list[dict[str, Any]]:
        return [asdict(attempt) | {"seconds": attempt.age(at)} for attempt in attempts]

    return {
        "stage": stage.name,
        "state": stage.state,
        "shards_done": stage.count.shards,
        "shards": stage.count.total,
        "running": shown(stage.attempts.running),
        "straggling": shown(stage.attempts.straggling),
        "failed": shown(stage.attempts.failed),
        "left": shown(stage.attempts.left),
        "samples": stage.count.samples,
        "rejected": stage.count.rejected,
        "samples_per_second": stage.rate,
        "seconds_left": stage.seconds_left,
    }


def _joining(status: Status, storage: Storage) -> dict[str, Any]:
    """`joining`: how far tables are joined in a run that goes on; nothing where none are."""
    note = noted_step(storage) if status.holders and status.run.stage == "label" else None
    if note is None or (status.run.started or "") > note.since:
        return {}
    return {"joining": {"doing": note.doing, "done": note.done(storage), "total": note.total}}


def _page(found: Mapping[str, Any]) -> Group:
    run = found["run"]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, heading in enumerate(_HEADINGS):
        table.add_column(heading, justify="left" if number < 2 else "right", no_wrap=True)
    for stage in found["stages"]:
        table.add_row(*_row(stage))
    lines: list[Text | Table] = [Text(_headline(found, run)), table]
    lines += [Text(line) for stage in found["stages"] for line in _attempts_of(stage)]
    if joining := found.get("joining"):
        lines.append(Text("label: {doing}, {done:,} of {total:,}".format(**joining)))
    lines += [Text(line) for line in generation_lines(found)]
    lines += [Text(table["in_words"]) for table in found.get("tables", ())]
    lines += [Text(f"warning: {doubt}", "yellow") for doubt in found.get("doubts", ())]
    if run["error"]:
        lines.append(Text(f"the run ended with an error: {run['error']}", "red"))
    return Group(*lines)


def _headline(found: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    what = f"{run['command']} on {run['engine']}" if run["command"] else "a run"
    where = ", ".join(f"process {entry['pid']} on {entry['host']}" for entry in found["writers"])
    if found["active"]:
        return f"{found['output']}: {what}, since {run['started']}, by {where}"
    unmet = " (done, unmet)" if run["met"] is False else ""
    ended = f"ended {run['finished']}{unmet}" if run["finished"] else "was killed"
    return f"{found['output']}: no run is active; the last one, {what}, {ended}"


def _row(stage: Mapping[str, Any]) -> list[Text | str]:
    whole = "" if stage["shards"] is None else f" of {stage['shards']:,}"
    rate, left = stage["samples_per_second"], stage["seconds_left"]
    failed = len(stage["failed"]) + len(stage["left"])
    return [
        stage["stage"],
        Text(stage["state"], _COLOURS.get(stage["state"], "")),
        f"{stage['shards_done']:,}{whole}",
        f"{len(stage['running']):,}",
        Text(f"{failed:,}", "red" if failed else ""),
        f"{stage['samples']:,}" if stage["samples"] else "",
        f"{stage['rejected']:,}" if stage["rejected"] else "",
        "" if rate is None else f"{rate:,.0f}",
        "" if left is None else str(timedelta(seconds=round(left))),
    ]


def _attempts_of(stage: Mapping[str, Any]) -> list[str]:
    kinds = (
        ("straggling", "is slow: {seconds:,.0f} s so far, in process {pid} on {host}"),
        ("failed", "failed in process {pid} on {host}: {error}"),
        ("left", "was begun by a process that is gone, {pid} on {host}"),
    )
    lines = []
    for kind, said in kinds:
        found = stage[kind]
        lines += [
            f"{stage['stage']} {attempt['name']} {said.format(**attempt)}"
            for attempt in found[:_SHOWN]
        ]
        if len(found) > _SHOWN:
            lines.append(f"{stage['stage']}: {len(found) - _SHOWN:,} more ({kind})")
    return lines
