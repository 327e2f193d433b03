"""The job that removes what dead attempts left in an output."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from jobs.leases import living
from jobs.saying import say
from transforms import layout
from transforms.attempts import attempts_at
from transforms.errors import FairshardError
from transforms.storage import Storage

_SHOWN = 20
_STAGES = ("label", "resample")


def run(storage: Storage, force: bool) -> dict[str, Any]:
    """Remove hidden temporary files, unfinished uploads and notes of dead attempts; what went.

    Raises FairshardError where a run is active, unless by `force`. What failed with an error stays
    on file, for `fairshard failed`.
    """
    holders = living(storage)
    if holders and not force:
        raise FairshardError(
            f"a run writes to {storage.url}: process {holders[0].pid} on {holders[0].host}, since "
            f"{holders[0].started}; what would be removed may be its own: wait for its end, or "
            "give --force if you know that it is dead"
        )
    files = storage.left_behind()
    notes = [
        layout.attempt(stage, attempt.name)
        for stage in _STAGES
        for attempt in attempts_at(stage, storage)
        if attempt.error is None
    ]
    for name in (*files, *notes):
        storage.delete(name)
    storage.sweep()
    return {
        "output": storage.url,
        "removed": [*files, *notes],
        "bytes": sum(files.values()),
        "forced": bool(holders),
    }


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print what went."""
    removed = summary["removed"]
    for name in removed[:_SHOWN]:
        say(console, f"removed {name}")
    if len(removed) > _SHOWN:
        say(console, f"and {len(removed) - _SHOWN:,} more")
    say(
        console,
        f"{len(removed):,} files of dead attempts removed, {summary['bytes'] / 1e6:,.1f} MB"
        if removed
        else f"nothing to remove in {summary['output']}",
    )
