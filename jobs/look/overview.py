"""The job that says what an output folder holds: a finished run or, before it, its plan."""

from typing import Any

from rich.console import Console

from jobs.run import solve
from jobs.session import summary
from transforms.plan.plan import read_plan
from transforms.resampling.manifest import manifest_of
from transforms.storage.files import Storage


def run(storage: Storage) -> dict[str, Any]:
    """The summary of the output that the plan made, or else of the plan."""
    plan = read_plan(storage)
    if manifest_of(plan, storage) is not None:
        return summary.summarise(storage)
    return solve.planned(storage)


def show(found: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    shown = summary.show if "shards" in found else solve.show
    shown(found, console)
