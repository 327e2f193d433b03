"""The job that shows what each rate allows, before one is chosen."""

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from jobs.session.console import say
from jobs.session.corpus_histogram import corpus_histogram
from jobs.session.labelled import all_label_records
from transforms.config.schema import asked_of, schema_of
from transforms.config.sections import Config
from transforms.feasibility.frontier import Frontier, frontier
from transforms.plan.fingerprint import fingerprint
from transforms.report.frontier import document_of
from transforms.shards.inputs import input_shards
from transforms.storage import paths
from transforms.storage.files import output_storage

_MARKS_SHOWN = 8


def run(config: Config, points: int, console: Console) -> dict[str, Any]:
    """Solve at about so many rates and write frontier.json; what it holds."""
    storage = output_storage(config.output)
    records = all_label_records(config, input_shards(config))
    seen = corpus_histogram(config, records, console)
    with console.status("solving"):
        found = frontier(seen.histogram, schema_of(config).attributes, asked_of(config), points)
    document = document_of(found, config.balance, fingerprint(config, records))
    storage.publish(paths.FRONTIER, f"{json.dumps(document, indent=1)}\n".encode())
    return {
        "samples": seen.samples,
        "patterns": len(seen.histogram),
        "seen": seen.in_words,
        **found.to_dict(),
        "frontier": storage.path(paths.FRONTIER),
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    found = Frontier.from_dict(summary)
    table = Table(box=None)
    for column in ("rate", "RB", "AB", "skew", "effective", "bind", "missed"):
        table.add_column(column, justify="right")
    table.add_column("")
    for point in found.points:
        figures = (point.rate, point.RB, point.AB, point.skew)
        table.add_row(
            *(f"{figure:.4f}" for figure in figures),
            f"{point.effective:.1%}",
            f"{point.binding:,}",
            f"{point.missed:,}",
            _note(point.rate, found),
        )
    say(console, summary["seen"])
    console.print(table, highlight=False)
    say(
        console,
        f"everything asked for is attainable up to eta = {found.largest:g} "
        f"(to 1e-05; at most {found.upper:.4g})",
    )
    for mark in found.marks[:_MARKS_SHOWN]:
        say(console, f"  {mark.constraint}: {mark.in_words(found.points[0].rate)}")
    more = found.constraints - _MARKS_SHOWN
    if more > 0:
        say(console, f"  and {more:,} more that bind or are missed at some rate")
    say(
        console,
        "effective: effective sample size over all samples; bind, missed: how many constraints do",
    )
    say(console, f"frontier: {summary['frontier']}")


def _note(rate: float, found: Frontier) -> str:
    notes = {"chosen": found.chosen, "largest attainable": found.largest}
    return ", ".join(note for note, at in notes.items() if at == rate)
