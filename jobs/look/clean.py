"""The job that removes what dead attempts left in an output."""

import uuid
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from jobs.session.console import say
from jobs.session.holders import lease_files, living, this_process
from jobs.session.lease import holding
from jobs.session.run_record import now as in_words
from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.labels.leftovers import left_of_joins, unused_tables
from transforms.storage import paths
from transforms.storage.attempts import attempts_at
from transforms.storage.concurrent import at_once
from transforms.storage.files import Storage
from transforms.storage.inventory import Inventory

_SHOWN = 20
_CLEANING = "clean"
_STAGES = ("label", "solve", "resample")


def run(storage: Storage, force: bool) -> dict[str, Any]:
    """Remove hidden temporary files, unfinished uploads, and notes and leases of dead attempts.

    And what joining tables left between its steps, and tables in hash buckets of other labels than
    those that are there. Returns what went. Raises FairshardError where a run is active, unless by
    `force`: that takes its lease, so that it is interrupted if it is alive after all. What failed
    with an error stays on file, for `fairshard failed`.
    """
    holders = living(storage)
    if holders and not force:
        raise FairshardError(
            f"a run writes to {storage.url}: process {holders[0].pid} on {holders[0].host}, since "
            f"{holders[0].started}; what would be removed may be its own: wait for its end, or "
            "give --force if you know that it is dead"
        )
    leases = lease_files(storage)
    if force:
        at_once(storage.delete, leases)
    files = storage.left_behind()
    notes = [
        paths.attempt(stage, attempt.name)
        for stage in _STAGES
        for attempt in attempts_at(stage, storage)
        if attempt.error is None
    ]
    joins = _left_of_tables(storage) if storage.labels is None else {}
    if files or notes or leases or joins:
        with holding(storage, this_process(uuid.uuid4().hex, _CLEANING, in_words())):
            for name in (*files, *notes, *joins):
                storage.delete(name)
    else:
        storage.sweep()
    left = {*lease_files(storage)}
    return {
        "output": storage.url,
        "removed": [*files, *notes, *joins, *(name for name in leases if name not in left)],
        "bytes": sum(files.values()) + sum(joins.values()),
        "forced": bool(holders),
        "labels": storage.labels,
    }


def _left_of_tables(storage: Storage) -> dict[str, int]:
    """What is left of joining tables, by name, and its bytes."""
    names = [*left_of_joins(storage), *unused_tables(storage)]
    sizes = Inventory.of(storage, paths.JOINS, paths.TABLES).files if names else {}
    return {name: sizes[name].bytes for name in names if name in sizes}


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print what went."""
    removed = summary["removed"]
    for name in removed[:_SHOWN]:
        say(console, f"removed {name}")
    if len(removed) > _SHOWN:
        say(console, f"and {len(removed) - _SHOWN:,} more")
    say(
        console,
        f"{counted(len(removed), 'file')} of dead attempts removed, "
        f"{summary['bytes'] / 1e6:,.1f} MB"
        if removed
        else f"nothing to remove in {summary['output']}",
    )
    if summary["labels"]:
        where = summary["labels"]
        say(console, f"labels lie apart, in {where}: `fairshard clean {where}` cleans there")
