"""The job that labels the shards that are not labelled yet."""

from typing import Any

from rich.console import Console

from jobs.session.inputs import input_of
from jobs.session.labelled import all_label_records
from jobs.session.matches import say_matches, shown_matches
from jobs.session.progress import watched
from jobs.session.rejects import say_losses, say_rejects, shown_losses, shown_rejects
from jobs.session.resume import work_on
from transforms.base.counts import counted
from transforms.config.sections import Config
from transforms.labels.rejects import check_rejects
from transforms.resampling.growing import Before
from transforms.shards.finding import Found
from transforms.shards.left_out import as_json
from transforms.stages.engine import Engine
from transforms.storage import paths


def run(
    config: Config,
    runner: Engine,
    console: Console,
    found: Found | None = None,
    before: Before | None = None,
) -> dict[str, Any]:
    """Label; a summary of what the output folder now holds.

    before: what is written, where that is not on file as the generation that it would be. Raises
    FairshardError where more samples were rejected than the configuration allows.
    """
    found = input_of(config, console, found)
    work = work_on(config, found.shards, ("label",), before)
    work.begin(console)
    missing = work.labels.missing
    seconds: dict[str, float] = {}
    if missing:
        to_read = work.labels.to_read
        with watched(work.storage, ("label",), len(missing), console, to_read) as seconds:
            runner.label(config, work.labels.given)
    records = all_label_records(config, work.labels.shards)
    check_rejects(records, config)
    rejecting = [record.shard.name for record in records if record.rejects]
    return {
        "shards": len(records),
        "labelled_now": len(missing),
        "samples": sum(record.samples for record in records),
        "rejected": sum(record.rejects for record in records),
        "rejects": shown_rejects(rejecting, work.storage),
        "left_out": as_json(found.left_out),
        "ignored_members": sum(sum(record.ignored.values()) for record in records),
        **shown_losses(records),
        **shown_matches(records, work.storage),
        "seconds": seconds,
        "output": config.output.url,
        "labels": work.storage.path(paths.LABELS),
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    console.print(
        f"{counted(summary['shards'], 'shard')} labelled "
        f"({summary['labelled_now']:,} in this run): "
        f"{counted(summary['samples'], 'sample')}, {summary['rejected']:,} rejected"
    )
    say_rejects(summary["rejects"], console)
    say_losses(summary, console)
    say_matches(summary, console)
    console.print(f"labels: {summary['labels']}", highlight=False, soft_wrap=True)
