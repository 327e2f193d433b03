"""The job that draws a demo corpus, with its true labels, model and configuration."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from jobs.demo.corpus import write_corpus


def run(directory: Path, samples: int, shards: int, seed: int, console: Console) -> dict[str, Any]:
    """Draw the corpus, or find it drawn."""
    asked = {"samples": samples, "shards": shards, "seed": seed}
    record = directory / "corpus.json"
    if not (record.exists() and json.loads(record.read_text(encoding="utf-8")) == asked):
        record.unlink(missing_ok=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("drawing", total=samples)
            write_corpus(
                directory,
                samples,
                shards,
                seed,
                on_shard=lambda drawn: progress.advance(bar, drawn),
            )
        example = resources.files("jobs.templates").joinpath("demo.yaml")
        (directory / "config.yaml").write_text(example.read_text(encoding="utf-8"), "utf-8")
        record.write_text(f"{json.dumps(asked)}\n", encoding="utf-8")
    return {**asked, "directory": str(directory), "config": str(directory / "config.yaml")}


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    console.print(
        f"{summary['samples']:,} samples drawn in {summary['shards']:,} shards of "
        f"{summary['directory']}; rebalance them with",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"  fairshard rebalance {summary['config']}", highlight=False, soft_wrap=True)
