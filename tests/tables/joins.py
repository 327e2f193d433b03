"""Small joins: tables in files of any format, samples in memory, and the phases done in turn."""

import csv
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.config.tables import TableSource
from transforms.storage.files import Storage
from transforms.tables.counts import TableCounts
from transforms.tables.joining import (
    PHASES,
    Result,
    SampleTable,
    counts_of,
    forget,
    groups_of,
    joined,
    run,
    tasks_of,
)
from transforms.tables.rows import Rows
from transforms.tables.sources import TableFiles

Row = Mapping[str, Any]
Samples = Mapping[str, Sequence[Row]]


def table_of(folder: Path | str, columns: Sequence[str] = ("p",), **source: Any) -> TableFiles:
    """The table of the files in a folder, by key where nothing else is said."""
    return TableFiles(
        "persons", TableSource(**{"url": f"{folder}/*", "key": "key", **source}), tuple(columns)
    )


def write_rows(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """A table's file in the format that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix:
        case ".parquet":
            pq.write_table(pa.table({name: [row[name] for row in rows] for name in columns}), path)
        case ".csv":
            with path.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, columns)
                writer.writeheader()
                writer.writerows(rows)
        case ".jsonl":
            lines = (json.dumps({name: row[name] for name in columns}) for row in rows)
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def shards_of(samples: Samples) -> list[SampleTable]:
    """The shards of samples, by name, as the join is told them."""
    return [
        SampleTable(f"{stem}--{number:012x}", stem, len(rows), f"digest of {rows}")
        for number, (stem, rows) in enumerate(samples.items())
    ]


@dataclass(frozen=True)
class Joined:
    """What a join gave: by shard, a row a sample in each table, and what was counted."""

    shards: dict[str, dict[str, pa.Table]]
    counts: tuple[TableCounts, ...]
    results: list[Result]


def join(
    tables: Sequence[Rows],
    samples: Samples,
    storage: Storage,
    order: random.Random | None = None,
    keep: bool = True,
) -> Joined:
    """Do all phases, their tasks and results in any `order`."""
    shards = shards_of(samples)

    def read(shard: SampleTable, columns: Sequence[str]) -> pa.Table:
        rows = samples[shard.stem]
        return pa.table(
            {name: pa.array([row.get(name) for row in rows], pa.string()) for name in columns}
        )

    results: list[Result] = []
    for phase in range(PHASES):
        tasks = tasks_of(phase, tables, shards, _shuffled(results, order), storage)
        results += [run(task, tables, read, storage) for task in _shuffled(tasks, order)]
    groups = groups_of(tables, shards, _shuffled(results, order))
    found = {
        shard.stem: dict(of_tables)
        for group in groups
        for shard, of_tables in joined(group, storage)
    }
    if not keep:
        forget(groups, storage)
    return Joined(found, counts_of(_shuffled(results, order)), results)


def lists_of(joined: Joined, column: str = "p", table: str = "persons") -> dict[str, list[Any]]:
    """The values of a column that each sample has, by shard."""
    return {
        stem: tables[table].column(column).to_pylist() for stem, tables in joined.shards.items()
    }


def _shuffled(items: Iterable[Any], order: random.Random | None) -> list[Any]:
    given = list(items)
    return order.sample(given, len(given)) if order else given
