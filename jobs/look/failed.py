"""The job that says what of a run failed or was rejected, why, and how to try it again."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from jobs.look.run_status import Status, Watcher
from jobs.session.console import say
from jobs.session.rejects import say_losses, shown_losses
from transforms.base.counts import counted, named
from transforms.labels.rejects import RejectKind, frequent_rejects
from transforms.storage.files import Storage

_SHOWN = 20


def run(storage: Storage) -> dict[str, Any]:
    """The run's error, failed attempts, all rejects and losses; FairshardError without a run."""
    watcher = Watcher(storage)
    status = watcher.status()
    records = watcher.labelled()
    rejecting = [record.shard.name for record in records if record.rejects]
    attempts = [
        dataclasses.asdict(attempt) | {"error": attempt.error or "its process is gone"}
        for stage in status.stages
        for attempt in (*stage.attempts.failed, *stage.attempts.left)
    ]
    lost = shown_losses(records)
    kinds = frequent_rejects(rejecting, storage)
    return {
        "output": storage.url,
        "active": bool(status.holders),
        "error": status.run.error,
        "stopped": _was_killed(status),
        "attempts": attempts,
        "rejected": sum(kind.samples for kind in kinds),
        "rejects": [dataclasses.asdict(kind) for kind in kinds],
        "rejecting_shards": len(rejecting),
        **lost,
        "retry": _advice(status, bool(attempts), bool(kinds), bool(lost["lost"])),
    }


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print it for people."""
    if summary["error"]:
        say(console, f"the last run ended with an error: {summary['error']}")
    if summary["stopped"]:
        say(console, "the last run was killed before it could say how it ended")
    attempts, kinds = summary["attempts"], summary["rejects"]
    for attempt in attempts[:_SHOWN]:
        say(
            console,
            f"{attempt['stage']} {attempt['name']} (process {attempt['pid']} on "
            f"{attempt['host']}, begun {attempt['started']}): {attempt['error']}",
        )
    if len(attempts) > _SHOWN:
        say(console, f"and {len(attempts) - _SHOWN:,} more; --json lists all")
    if kinds:
        say(
            console,
            f"{counted(summary['rejected'], 'sample')} of "
            f"{counted(summary['rejecting_shards'], 'shard')} "
            f"{named(summary['rejected'], 'was', 'were')} rejected:",
        )
    for kind in kinds[:_SHOWN]:
        say(console, f"  {RejectKind(**kind)}")
    if len(kinds) > _SHOWN:
        say(console, f"  and {len(kinds) - _SHOWN:,} other errors; --json lists all")
    say_losses(summary, console)
    for line in summary["retry"] or ("nothing failed, and no sample was rejected",):
        say(console, line)


def _was_killed(status: Status) -> bool:
    ended = status.run.finished is not None
    return bool(status.run.started) and not ended and not status.holders


def _advice(status: Status, attempts: bool, rejects: bool, lost: bool) -> list[str]:
    """What to do, a line each."""
    advice = []
    command = status.run.command
    if command and (status.run.error or attempts or _was_killed(status)):
        advice.append(
            f"to try again: `fairshard {command}` with the same configuration; what is done is kept"
        )
    if rejects:
        advice.append(
            "to have rejected samples: mend their shards and run again (a shard that has changed "
            "is labelled again), or raise the limit of input.limits that the error names; "
            "rejects/SHARD.parquet in the output names each sample"
        )
    if lost:
        advice.append(
            "to have what is lost: restore the shards and run again, or leave them out of "
            "input.shards, or raise input.limits.max_lost_shards and .max_lost_share"
        )
    return advice
