"""The job that hands an output over in a format that other tools read."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from rich.console import Console

from jobs.look.named_output import NamedOutput
from jobs.look.planned import planned
from jobs.session.console import say
from jobs.session.lease import leased
from jobs.session.options import located, new_run
from jobs.session.run_record import interruptible
from jobs.session.shard_progress import stepped
from transforms.base.counts import counted
from transforms.exports.exported import Exported
from transforms.exports.exporting import export, place_in
from transforms.exports.target import Target
from transforms.storage import paths
from transforms.storage.files import Storage


def run(found: NamedOutput, name: str, to: str | None, console: Console) -> dict[str, Any]:
    """Export the output in the format `name`; what was written, and where."""
    exported = planned(found, console)
    place = _place(exported, name, to)
    writing = leased(exported.config, new_run()) if to is None else nullcontext()
    with writing, interruptible(), stepped(f"exporting {name}", console) as step:
        target = replace(place, tell=lambda line: say(console, line), step=step)
        outcome = export(name, exported, target)
    return {
        "output": exported.storage.url,
        "format": name,
        "to": target.path(),
        "files": len(target.made),
        "written": len(target.written),
        "bytes": target.size,
        "first": min(target.made, default=None),
        "counts": dict(outcome.counts),
        "lines": list(outcome.lines),
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print it for people."""
    files, counts = summary["files"], summary["counts"].items()
    what = ", ".join(counted(number, name.removesuffix("s")) for name, number in counts)
    kept = files - summary["written"]
    there = f", {kept:,} of them as before" if kept else ""
    size = _in_words(summary["bytes"])
    where = f"{summary['to']}/{summary['first']}" if files == 1 else summary["to"]
    say(console, f"{what} in {counted(files, 'file')} ({size}{there}): {where}")
    for line in summary["lines"]:
        say(console, line)


def _in_words(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"


def _place(exported: Exported, name: str, to: str | None) -> Target:
    """Where the export goes: the place that was asked for, or that of its reader in the output."""
    if to is None:
        return place_in(exported, name)
    url = located(to, "place of the export")
    scheme = url.partition("://")[0] if "://" in url else ""
    own = exported.storage
    same = scheme == (own.url.partition("://")[0] if "://" in own.url else "")
    return Target(
        Storage(url, own.options if same else {}), name, records=paths.EXPORT_RECORDS_BESIDE
    )
