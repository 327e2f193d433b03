"""The generations of an output that grows, in a summary and in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from transforms.base.counts import counted
from transforms.generations.record import GenerationEntry
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


def _in_values(entry: GenerationEntry) -> dict[str, Any]:
    return {
        "generation": entry.number,
        "input_shards": entry.input_shards,
        "samples": entry.samples,
        "kept": entry.kept,
        "written": entry.written,
        "output_shards": entry.shards,
    }
