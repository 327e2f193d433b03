"""The generations of an output that grows, in a summary and in words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console

from jobs.session.console import say
from transforms.base.counts import counted
from transforms.generations.record import GenerationEntry
from transforms.outcome.generations import GenerationRow
from transforms.resampling.manifest import manifest_on_file
from transforms.storage.files import Storage


def shown_generations(storage: Storage) -> dict[str, Any]:
    """`generations`: what each was drawn from and wrote; nothing of an output without any."""
    manifest = manifest_on_file(storage)
    entries = manifest.generations if manifest else None
    return {"generations": [_in_values(entry) for entry in entries]} if entries else {}


def generation_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """A line each."""
    for entry in found.get("generations", ()):
        yield (
            f"generation {entry['generation']}: {entry['written']:,} written of "
            f"{counted(entry['samples'], 'sample')} in {counted(entry['input_shards'], 'shard')}, "
            f"to {counted(entry['output_shards'], 'output shard')}"
        )


def biases_in_values(rows: Iterable[GenerationRow]) -> dict[str, Any]:
    """The same with the bias of each by itself, and what is to be warned of."""
    found = [
        {
            **_in_values(row.entry),
            "rate": row.rate,
            "bias": {one.name: {"value": one.value, "worst": one.of} for one in row.bias},
            "warning": row.warning or None,
        }
        for row in rows
    ]
    return {"generations": found} if found else {}


def say_generations(found: Mapping[str, Any], console: Console) -> None:
    """Print what each wrote, and its bias."""
    lines = generation_lines(found)
    for entry, line in zip(found.get("generations", ()), lines, strict=True):
        bias = ", ".join(f"{name} {one['value']:.4f}" for name, one in entry["bias"].items())
        say(console, f"{line}{f'; by itself {bias}' if bias else ''}")
    for entry in found.get("generations", ()):
        if entry["warning"]:
            say(console, f"  warning: {entry['warning']}")


def _in_values(entry: GenerationEntry) -> dict[str, Any]:
    return {
        "generation": entry.number,
        "input_shards": entry.input_shards,
        "samples": entry.samples,
        "kept": entry.kept,
        "written": entry.written,
        "output_shards": entry.shards,
    }
