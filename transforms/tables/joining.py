"""The join of tables with the samples of shards: three phases of tasks, and what comes of them.

    rows      files of tables -> hash buckets in Parquet, kept for the next run
    samples   keys of a group of shards -> the same buckets
    matches   a bucket's rows and samples -> for each sample the lists of its rows' values

An engine does a phase with `results = map(lambda task: run(task, ...), tasks)` and gives all
results so far for the tasks of the next; then `joined` gives the rows of each group of shards.
Tasks and results are small. All of it may be done again: what is complete on file is not. A table
whose files are named as the shards are needs no buckets.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from transforms.base.errors import ChangedInputError, ConfigError
from transforms.storage import paths
from transforms.storage.files import Storage
from transforms.tables.column_types import type_of
from transforms.tables.counts import TableCounts, merged_counts, require_matches
from transforms.tables.layouts import digest_of, groups_in, planned
from transforms.tables.matching import match_bucket, match_shards
from transforms.tables.partitioning import keep, kept, merged, partition
from transforms.tables.row_groups import read_group
from transforms.tables.rows import RowFile, Rows
from transforms.tables.sample_keys import bring
from transforms.tables.tasks import (
    ROWS,
    Clash,
    MatchTask,
    Partition,
    ReadSamples,
    Result,
    RowTask,
    SampleTable,
    SampleTask,
    ShardGroup,
    ShardMatchTask,
    Task,
)

__all__ = [
    "PHASES",
    "ROWS",
    "ReadSamples",
    "Result",
    "SampleTable",
    "ShardGroup",
    "Task",
    "counts_of",
    "forget",
    "groups_of",
    "joined",
    "run",
    "tasks_of",
]

PHASES = 3


def tasks_of(
    phase: int,
    tables: Sequence[Rows],
    shards: Sequence[SampleTable],
    results: Sequence[Result],
    storage: Storage,
) -> list[Task]:
    """The tasks of a phase (0, 1 or 2), by the results of all that came before, in any order.

    The shards must be given in one order throughout. Raises FairshardError where a table's files
    cannot be found, or its columns have no one type.
    """
    if phase == 0:
        return [task for rows in tables for task in _row_tasks(rows, shards, storage)]
    partitions = _partitions(tables, results)
    if phase == 1:
        for each in partitions:
            keep(each, storage)
        return _sample_tasks(partitions, shards)
    return [
        task
        for rows, each in zip(tables, partitions, strict=True)
        for task in _match_tasks(rows, each, partitions, shards)
    ]


def run(task: Task, tables: Sequence[Rows], read: ReadSamples, storage: Storage) -> Result:
    """Do a task, or find it done."""
    numbers = {rows.name: number for number, rows in enumerate(tables)}
    match task:
        case RowTask():
            return Result(partition(task, tables[numbers[task.table]], storage))
        case SampleTask():
            return Result(counts=bring(task, tables, read, storage))
        case MatchTask():
            number = numbers[task.table]
            return match_bucket(task, number, tables[number], storage)
        case ShardMatchTask():
            number = numbers[task.table]
            return match_shards(task, number, tables[number], read, storage)


def counts_of(results: Iterable[Result]) -> tuple[TableCounts, ...]:
    """What was counted of each table, in the order of their names."""
    results = list(results)
    of_files = (_counts_of_files(of) for of in _by_table(results).values())
    counts = merged_counts([*of_files, *(each for result in results for each in result.counts)])
    return tuple(sorted(counts, key=lambda each: each.table))


def groups_of(
    tables: Sequence[Rows],
    shards: Sequence[SampleTable],
    results: Sequence[Result],
) -> list[ShardGroup]:
    """The groups of shards to finish once all phases are done.

    Raises ConfigError where a bare key is that of samples of two shards, FairshardError where a
    table matches no sample at all.
    """
    clashes = [result.clash for result in results if result.clash is not None]
    if clashes:
        raise _refusal(min(clashes, key=lambda clash: (clash.table, clash.key)), shards)
    require_matches(counts_of(results))
    partitions = _partitions(tables, results)
    join = _join_digest(partitions, shards)
    return [
        ShardGroup(join, number, first, each, partitions)
        for number, (first, each) in enumerate(groups_in(shards))
    ]


def joined(
    group: ShardGroup, storage: Storage
) -> Iterator[tuple[SampleTable, Mapping[str, pa.Table]]]:
    """Each shard of a group, and by name of table a row a sample of it, in the samples' order.

    The column `ROWS` says how many rows it has in that table; then, for each wanted column, a list
    of their values in the order (URL of the file, number of the row), null where it has none.
    """
    matches = {
        partition.table: _matches(group, number, partition, storage)
        for number, partition in enumerate(group.tables)
    }
    names = {
        partition.table: [ROWS, *(name for name, _ in partition.types)]
        for partition in group.tables
    }
    for place, shard in enumerate(group.shards):
        yield (
            shard,
            {
                table: _of_shard(found, group.first + place, shard.samples, names[table])
                for table, found in matches.items()
            },
        )


def forget(groups: Sequence[ShardGroup], storage: Storage) -> None:
    """Delete what the phases left between them, once labels are complete; tables stay."""
    joins = {group.join for group in groups}
    for name in storage.names(paths.JOINS):
        if name.partition("-")[0] in joins:
            storage.delete(f"{paths.JOINS}/{name}")


def _row_tasks(rows: Rows, shards: Sequence[SampleTable], storage: Storage) -> Iterator[RowTask]:
    plan = planned(rows, shards)
    if kept(plan.digest, storage) is not None:
        yield RowTask(rows.name, plan.digest, None, (), plan.buckets)
        return
    for part, files in enumerate(plan.parts()):
        yield RowTask(rows.name, plan.digest, part, files, plan.buckets)


def _partitions(tables: Sequence[Rows], results: Iterable[Result]) -> tuple[Partition, ...]:
    """What there is of each table, in their order."""
    found = _by_table(results)
    return tuple(merged(found[rows.name]) for rows in tables)


def _by_table(results: Iterable[Result]) -> dict[str, list[Partition]]:
    found: dict[str, list[Partition]] = {}
    for result in results:
        if result.partition is not None:
            found.setdefault(result.partition.table, []).append(result.partition)
    return found


def _counts_of_files(partitions: Iterable[Partition]) -> TableCounts:
    """What is to be told of a table whatever the samples."""
    whole = merged(partitions)
    empty = tuple(name for name, kind in whole.types if pa.types.is_null(type_of(kind)))
    return TableCounts(
        whole.table, keyless_rows=whole.keyless, empty=empty, by_shards=not whole.buckets
    )


def _sample_tasks(partitions: Sequence[Partition], shards: Sequence[SampleTable]) -> list[Task]:
    buckets = {each.table: each.buckets for each in partitions if each.buckets}
    join = _join_digest(partitions, shards)
    groups = groups_in(shards) if buckets else []
    return [
        SampleTask(join, number, first, each, buckets)
        for number, (first, each) in enumerate(groups)
    ]


def _match_tasks(
    rows: Rows,
    partition: Partition,
    partitions: Sequence[Partition],
    shards: Sequence[SampleTable],
) -> Iterator[Task]:
    join, groups = _join_digest(partitions, shards), groups_in(shards)
    if partition.buckets:
        for bucket in range(partition.buckets):
            yield MatchTask(join, rows.name, partition.digest, bucket, len(groups))
        return
    plan = planned(rows, shards)
    if plan.digest != partition.digest:
        raise ChangedInputError(
            f"the files of the table {rows.name} changed while the run went on: run the same "
            "command again once nobody writes to them"
        )
    by_stem: dict[str, list[RowFile]] = {}
    for file in plan.files:
        by_stem.setdefault(file.name, []).append(file)
    for number, (first, each) in enumerate(groups):
        files = tuple(tuple(by_stem.get(shard.stem, ())) for shard in each)
        yield ShardMatchTask(join, rows.name, partition.digest, number, first, each, files)


def _join_digest(partitions: Iterable[Partition], shards: Iterable[SampleTable]) -> str:
    of_shards = [[shard.name, shard.stem, shard.samples, shard.digest] for shard in shards]
    return digest_of([[[each.table, each.digest] for each in partitions], of_shards])


def _matches(group: ShardGroup, number: int, partition: Partition, storage: Storage) -> pa.Table:
    """What a table has for the samples of a group, sorted by them."""
    files = range(partition.buckets) if partition.buckets else [group.number]
    row_group = group.number if partition.buckets else 0
    table = pa.concat_tables(
        read_group(storage, paths.join_matches(group.join, number, file), row_group)
        for file in files
    ).combine_chunks()
    order = np.lexsort((table.column("row").to_numpy(), table.column("shard").to_numpy()))
    return table.take(pa.array(order)).combine_chunks()


def _of_shard(matches: pa.Table, shard: int, samples: int, names: Sequence[str]) -> pa.Table:
    """A row for each sample of a shard, by the matches of a group."""
    start, end = np.searchsorted(matches.column("shard").to_numpy(), [shard, shard + 1])
    of_shard = matches.slice(start, end - start)
    rows = np.zeros(samples, np.int64)
    places = np.full(samples, -1, np.int64)
    own = of_shard.column("row").to_numpy()
    rows[own] = of_shard.column(ROWS).to_numpy()
    places[own] = np.arange(len(own))
    taken = pa.array(places, mask=places < 0)
    lists = (column.take(taken) for column in of_shard.columns[3:])
    return pa.table([pa.array(rows), *lists], names=list(names))


def _refusal(clash: Clash, shards: Sequence[SampleTable]) -> ConfigError:
    one, other = (shards[number].name for number in sorted(clash.shards))
    return ConfigError(
        f"tables.{clash.table}.key: samples of two shards, {one} and {other}, have the key "
        f"{clash.key!r}, and the table has rows of it: join by tar and member (key: [tar, "
        "member]), by a metadata field (key: {column: uid, field: uid}) or, where each file of the "
        "table is of the shard that is named as it is, with layout: shards"
    )
