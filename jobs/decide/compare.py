"""The job that weighs a labelled corpus by M4 and by other balancers, and shows what each gives."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from jobs.session.corpus_histogram import corpus_histogram
from jobs.session.labelled import all_label_records
from transforms.baselines.comparison import compare
from transforms.config.schema import asked_of, schema_of
from transforms.config.sections import Config
from transforms.shards.inputs import input_shards


def run(config: Config, console: Console, balancers: Sequence[str] = ()) -> dict[str, Any]:
    """What M4 and each of `balancers` (of none: all) give on the corpus, and what was asked."""
    records = all_label_records(config, input_shards(config))
    seen = corpus_histogram(config, records, console)
    rows = compare(seen.histogram, schema_of(config).attributes, asked_of(config), balancers)
    return {
        "samples": seen.samples,
        "patterns": len(seen.histogram),
        "seen": seen.in_words,
        "asked": config.balance.model_dump(mode="json"),
        "balancers": [{**dataclasses.asdict(row), "met": not row.missed} for row in rows],
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    table = Table("balancer", box=None, collapse_padding=True, pad_edge=False)
    for column in ("rate", "RB", "AB", "skew", "ESS", "kept", "moved"):
        table.add_column(column, justify="right")
    table.add_column("missed")
    for row in summary["balancers"]:
        figures = (row["rate"], row["RB"], row["AB"], row["skew"])
        table.add_row(
            row["balancer"],
            *(f"{figure:.4f}" for figure in figures),
            f"{row['effective']:.0%}",
            f"{row['kept']:.0%}",
            f"{row['distance']:.4f}",
            ", ".join(row["missed"]) or "-",
        )
    console.print(summary["seen"], highlight=False, soft_wrap=True)
    console.print(table)
    console.print(
        "ESS: effective sample size over all samples; kept: share of the samples expected in the "
        "output; moved: root mean square of q - eta u; missed: what was asked for and is not met "
        "(to 1e-05)",
        highlight=False,
        soft_wrap=True,
    )
