"""The job that says what a configuration would run, without running it."""

from itertools import islice
from typing import Any

from rich.console import Console

from jobs.begin.tables_found import tables_found
from jobs.session.console import say
from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.config.columns import shown_name
from transforms.config.schema import Schema, schema_of
from transforms.config.sections import Config
from transforms.preview.doubts import doubts_about
from transforms.shards.entries import read_entries
from transforms.shards.finding import Shard
from transforms.shards.inputs import found_apart
from transforms.shards.left_out import LeftOut, as_json, in_words
from transforms.shards.samples import Sample, open_tar
from transforms.shards.table_rows import row_count
from transforms.storage.files import output_storage

_SAMPLES_READ = 200
_MOST_NAMED = 20


def run(config: Config) -> dict[str, Any]:
    """Shards, bytes and samples (estimated from one shard's beginning) of a configuration.

    And warnings, of what may not mean what it seems to.
    """
    found = found_apart(config)
    shards = found.shards
    size = sum(shard.bytes for shard in shards)
    schema = schema_of(config)
    per_sample = _bytes_per_sample(config, max(shards, key=lambda shard: shard.bytes))
    return {
        "shards": len(shards),
        "left_out": as_json(found.left_out),
        "bytes": size,
        "samples_estimated": round(size / per_sample),
        "attributes": [attribute.name for attribute in schema.attributes],
        "labels": len(schema.labels),
        "derived": derived_names(schema),
        "model": config.model and config.model.name,
        "engine": config.engine.name,
        "output": config.output.url,
        "warnings": list(doubts_about(config)),
        "tables": list(tables_found(config, shards)),
        "labels_in": output_storage(config.output).labels,
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    console.print(
        f"the configuration is valid: {counted(summary['shards'], 'shard')}, "
        f"{summary['bytes'] / 1e6:,.1f} MB, about {counted(summary['samples_estimated'], 'sample')}"
    )
    if summary["left_out"]:
        say(console, in_words(LeftOut(**entry) for entry in summary["left_out"]))
    console.print(
        f"attributes: {', '.join(summary['attributes'])}; labels: {summary['labels']:,}; "
        f"model: {summary['model'] or 'none'}; engine: {summary['engine']}",
        highlight=False,
    )
    for table in summary["tables"]:
        say(console, table["in_words"])
    if summary["derived"]:
        say(
            console,
            f"derived, and nothing is labelled for them: {named_with_targets(summary['derived'])}",
        )
    console.print(f"would write to {summary['output']}", highlight=False, soft_wrap=True)
    if summary["labels_in"]:
        console.print(f"and labels to {summary['labels_in']}", highlight=False, soft_wrap=True)
    for warning in summary["warnings"]:
        say(console, f"warning: {warning}")


def derived_names(schema: Schema) -> dict[str, float | None]:
    """The names that follow from others, with their targets where they are attributes."""
    targets = {f"s.{attribute.name}": attribute.target for attribute in schema.attributes}
    derived = {entry.column for entry in schema.derived}
    columns = (column for column in schema.pattern_columns if column in derived)
    return {shown_name(column): targets.get(column) for column in columns}


def named_with_targets(derived: dict[str, float | None]) -> str:
    """Derived names in a line, the targets of attributes behind them."""
    shown = [
        name if target is None else f"{name} ({target:g})"
        for name, target in islice(derived.items(), _MOST_NAMED)
    ]
    more = f" and {len(derived) - _MOST_NAMED:,} more" * (len(derived) > _MOST_NAMED)
    return f"{', '.join(shown)}{more}"


def _bytes_per_sample(config: Config, shard: Shard) -> float:
    """The mean size of the first samples of a shard; as stored, so a .gz is an underestimate."""
    sizes: list[int] = []
    with open_tar(shard.url, config.input.storage_options, size=shard.bytes) as stream:
        if config.input.tables:
            return shard.bytes / max(1, row_count(stream))
        for entry in read_entries(stream, config.input, config.input.members):
            if isinstance(entry, Sample):
                sizes.append(entry.size)
            if len(sizes) >= _SAMPLES_READ:
                break
    if not sizes:
        raise FairshardError(
            f"the shard {shard.url} holds no sample that can be read: is it a webdataset tar?"
        )
    return sum(sizes) / len(sizes)
