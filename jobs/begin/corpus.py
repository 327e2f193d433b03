"""The job that draws a demo corpus, with its true labels, model and configuration."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from jobs.begin.demo.corpus import write_corpus
from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.storage.files import Storage

_RECORD = "corpus.json"
_ASKED = {"samples", "shards", "seed"}


def run(directory: Path, samples: int, shards: int, seed: int, console: Console) -> dict[str, Any]:
    """Draw the corpus, or find it drawn; a configuration that is there already is kept.

    Raises FairshardError where `directory` holds files of somebody else's.
    """
    asked = {"samples": samples, "shards": shards, "seed": seed}
    storage = Storage(str(directory.absolute()))
    drawn = _drawn(storage)
    if drawn != asked:
        if drawn is None:
            _refuse_strangers(directory)
        _record(storage, {**asked, "complete": False})
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("drawing", total=samples)
            write_corpus(
                directory,
                samples,
                shards,
                seed,
                on_shard=lambda drawn: progress.advance(bar, drawn),
            )
        example = resources.files("jobs.begin.templates").joinpath("demo.yaml")
        if not storage.exists("config.yaml"):
            storage.publish("config.yaml", example.read_bytes())
        _record(storage, asked)
    return {**asked, "directory": str(directory), "config": str(directory / "config.yaml")}


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    console.print(
        f"{counted(summary['samples'], 'sample')} drawn in "
        f"{counted(summary['shards'], 'shard')} of {summary['directory']}; rebalance them with",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"  fairshard rebalance {summary['config']}", highlight=False, soft_wrap=True)


def _drawn(storage: Storage) -> dict[str, Any] | None:
    """What was drawn, or begun to be; None where nothing was."""
    try:
        drawn = json.loads(storage.find(_RECORD) or b"null")
    except ValueError:
        return None
    return drawn if isinstance(drawn, dict) and drawn.keys() >= _ASKED else None


def _record(storage: Storage, drawn: dict[str, Any]) -> None:
    storage.publish(_RECORD, f"{json.dumps(drawn)}\n".encode())


def _refuse_strangers(directory: Path) -> None:
    for name in (_RECORD, "shards", "truth.parquet", "model", "config.yaml"):
        if (directory / name).exists():
            raise FairshardError(
                f"{directory} already holds {name}, which this command has not written: give an "
                "empty directory"
            )
