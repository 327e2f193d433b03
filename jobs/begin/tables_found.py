"""The tables of a configuration as they are found: their files, what they hold, how they join."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from transforms.base.counts import counted, first_of
from transforms.config.sections import Config
from transforms.config.tables import TableKey
from transforms.shards.finding import Shard
from transforms.shards.naming import file_stem
from transforms.tables.embeddings import EmbeddingRows
from transforms.tables.layouts import planned
from transforms.tables.rows import RowFile, Rows
from transforms.tables.sources import rows_of
from transforms.tables.tasks import SampleTable

_COLUMNS = 10


def tables_found(config: Config, shards: Sequence[Shard]) -> Iterator[dict[str, Any]]:
    """Each table: how many files and bytes it has, its columns that are asked, how it is joined.

    Raises FairshardError where files cannot be found or read, or lack a column.
    """
    samples = [SampleTable(shard.name, file_stem(shard.url), 0, "") for shard in shards]
    for rows in rows_of(config):
        plan = planned(rows, samples)
        whole = [file for file in plan.files if not file.part]
        found = {
            "table": rows.name,
            "files": len(whole),
            "bytes": sum(file.bytes for file in whole),
            "key": _key_in_words(rows.key),
            "columns": _columns(rows, plan.files[0]),
            "joined": "in hash buckets" if plan.buckets else "shard by shard",
            "missing": rows.missing,
        }
        yield {**found, "in_words": _in_words(found)}


def _columns(rows: Rows, file: RowFile) -> list[str]:
    """The columns that are asked of a table, which the first of its files must have."""
    if isinstance(rows, EmbeddingRows):
        rows.require_readable(file)
        return [*rows.types(file)]
    with closing(rows.batches(file)) as batches:  # type: ignore[type-var]
        first = next(batches, None)
    return [] if first is None else first.column_names[1:]


def _key_in_words(key: TableKey) -> str:
    if key.by == "member":
        return f"tar and member, its columns {' and '.join(map(repr, key.columns))}"
    of_sample = "the sample's key" if key.field is None else f"the metadata field {key.field}"
    return f"{of_sample}, its column {key.columns[0]!r}"


def _in_words(found: dict[str, Any]) -> str:
    asked = first_of(found["columns"], _COLUMNS) if found["columns"] else "no column"
    without = "rejected" if found["missing"] == "reject" else "kept, without its values"
    return (
        f"the table {found['table']}: {counted(found['files'], 'file')}, "
        f"{found['bytes'] / 1e6:,.1f} MB; asked for {asked}; joined {found['joined']} by "
        f"{found['key']}; a sample without a row is {without}"
    )
