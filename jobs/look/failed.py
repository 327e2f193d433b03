"""The job that says what of a run failed or was rejected, why, and how to try it again."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from jobs.look.run_status import Status, Watcher
from jobs.session.console import say
from jobs.session.rejects import say_losses, shown_losses
from transforms.base.counts import counted, named
from transforms.base.errors import remedy_of
from transforms.labels.rejects import RejectKind, frequent_rejects
from transforms.storage.files import Storage
from transforms.storage.last_run import INTERRUPTED

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
        "retry": _advice(status, kinds, bool(lost["lost"])),
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


def _advice(status: Status, rejects: Sequence[RejectKind], lost: bool) -> list[str]:
    """What to do, a line each."""
    advice = [*_of_run(status), *_of_rejects(rejects)]
    if lost:
        advice.append(
            "to have what is lost: restore the shards and run again, or leave them out of "
            "input.shards, or raise input.limits.max_lost_shards and .max_lost_share"
        )
    return advice


def _of_run(status: Status) -> Iterator[str]:
    """How the run can go on, and what has to be done before, if anything."""
    run, killed = status.run, _was_killed(status)
    attempts = [stage.attempts for stage in status.stages]
    kinds = [attempt.kind for found in attempts for attempt in found.failed]
    if run.error and run.error != INTERRUPTED:
        kinds.append(run.kind)
    ended = run.error or killed or kinds or any(found.left for found in attempts)
    if not run.command or not ended:
        return
    remedies = [*filter(None, dict.fromkeys(map(remedy_of, kinds)))]
    if remedies:
        first = "; ".join(remedies)
        yield f"before `fairshard {run.command}` goes on, keeping what is done: {first}"
        return
    memory = "; if memory ran out, with more of it or with fewer workers" * killed
    yield (
        f"to try again: `fairshard {run.command}` with the same configuration; what is done is "
        f"kept{memory}"
    )


def _of_rejects(kinds: Sequence[RejectKind]) -> Iterator[str]:
    """What has to be done to have rejected samples, by what it is."""
    samples: Counter[str] = Counter()
    for kind in kinds:
        samples[kind.remedy] += kind.samples
    for remedy, count in samples.most_common():
        yield f"to have {count:,} of them: {remedy}"
    if kinds:
        yield (
            "a shard is labelled again once it has changed, and not before; rejects/SHARD.parquet "
            "in the output names each sample"
        )
