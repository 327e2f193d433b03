"""The rows of a table in hash buckets: Parquet, a row group a bucket, kept for the next run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter

from transforms.base.errors import ChangedInputError, ConfigError, StaleError, reason_of
from transforms.storage import paths
from transforms.storage.documents import found, to_json
from transforms.storage.files import Storage
from transforms.tables.column_types import (
    as_type,
    common_types,
    spelt,
    type_of,
    typed_texts,
    types_in,
)
from transforms.tables.keys import buckets_of, hashes
from transforms.tables.row_groups import in_buckets, read_groups, write_groups
from transforms.tables.rows import KEY, RowFile, Rows
from transforms.tables.tasks import Partition, RowTask

_RUN_BYTES = 2**26
_PARTITION = TypeAdapter(Partition)

Types = Mapping[str, pa.DataType]


def partition(task: RowTask, rows: Rows, storage: Storage) -> Partition:
    """Bring a part of a table into buckets, or find it there; its record comes last."""
    if task.part is None:
        return partition_of(task.digest, storage)
    record = paths.table_part(task.digest, task.part)
    done = found(storage, record, _PARTITION, "the part of the table is read again")
    if done is not None:
        return done
    runs = _Runs(task, storage)
    types: Types | None = None
    keyless = 0
    for file in task.files:
        texts = rows.untyped(file)
        if not task.buckets:
            types = _common(types, rows.types(file), texts, rows, file)
            continue
        for table in rows.batches(file):
            types = _common(types, types_in(table, texts), texts, rows, file)
            runs.add(with_keys(table))
            keyless += table.column(0).null_count
    runs.write()
    untyped = any(map(rows.untyped, task.files))
    made = Partition(
        rows.name,
        task.digest,
        task.buckets,
        ((task.part, runs.written),),
        tuple((name, spelt(kind)) for name, kind in (types or {}).items()),
        untyped,
        keyless,
    )
    storage.publish(record, to_json(made))
    return made


def merged(partitions: Iterable[Partition]) -> Partition:
    """All parts of a table; ConfigError where a column has no one type."""
    parts = sorted(partitions, key=lambda part: part.runs)
    types: Types | None = None
    for part in parts:
        of_part = {name: type_of(kind) for name, kind in part.types}
        try:
            types = of_part if types is None else common_types(types, of_part, part.texts)
        except ValueError as error:
            raise ConfigError(f"the table {part.table}: in its files, {error}") from None
    runs = tuple(run for part in parts for run in part.runs)
    spelled = tuple((name, spelt(kind)) for name, kind in (types or {}).items())
    keyless = sum(part.keyless for part in parts)
    return replace(parts[0], runs=runs, types=spelled, keyless=keyless)


def keep(partition: Partition, storage: Storage) -> None:
    """Put on file that all parts of a table are there."""
    storage.settle(paths.table_index(partition.digest), to_json(partition))


def partition_of(digest: str, storage: Storage) -> Partition:
    """What is on file of a table; StaleError where that is not whole."""
    partition = kept(digest, storage)
    if partition is None:
        raise StaleError(
            f"{storage.path(paths.table_index(digest))} went missing while the run went on: run "
            "the same command again"
        )
    return partition


def kept(digest: str, storage: Storage) -> Partition | None:
    """What is on file of a table, if all of it is."""
    name = paths.table_index(digest)
    return found(storage, name, _PARTITION, "the table is brought into buckets again")


def with_keys(table: pa.Table) -> pa.Table:
    """The rows that have a key, which is the first column."""
    return table.filter(pc.is_valid(table.column(0))) if table.column(0).null_count else table


def rows_in(partition: Partition, bucket: int, storage: Storage) -> pa.Table:
    """The rows of one bucket, in the order of the table's files, in the columns' types."""
    names = [
        paths.table_rows(partition.digest, part, run)
        for part, runs in partition.runs
        for run in range(runs)
    ]
    return typed(read_groups(storage, names, bucket), partition)


def typed(tables: Iterable[pa.Table], partition: Partition) -> pa.Table:
    """`tables`, keys first, as one, its columns in the types that a partition tells.

    Raises ChangedInputError where they cannot be.
    """
    types = [type_of(kind) for _, kind in partition.types]
    made = []
    for table in tables:
        try:
            made.append(_typed(table, types, partition.texts))
        except (ValueError, pa.ArrowException) as error:
            raise ChangedInputError(
                f"the table {partition.table} has values of another type than when its files were "
                f"looked through ({reason_of(error)}): run the same command again once nobody "
                "writes to them"
            ) from None
    schema = _schema(types)
    return pa.concat_tables([schema.empty_table(), *made]).combine_chunks()


class _Runs:
    """Files of some rows of a part each, which memory has room for."""

    def __init__(self, task: RowTask, storage: Storage) -> None:
        self.written = 0
        self._task = task
        self._storage = storage
        self._held: list[pa.Table] = []
        self._bytes = 0

    def add(self, table: pa.Table) -> None:
        """Take in rows, and write what is held once it is enough."""
        self._held.append(table)
        self._bytes += table.nbytes
        if self._bytes >= _RUN_BYTES:
            self.write()

    def write(self) -> None:
        """Write what is held."""
        held, self._held, self._bytes = self._held, [], 0
        if not any(table.num_rows for table in held):
            return
        table = _one_table(held)
        buckets = buckets_of(hashes(table.column(0).combine_chunks()), self._task.buckets)
        name = paths.table_rows(self._task.digest, self._task.part or 0, self.written)
        groups = in_buckets(table, buckets, self._task.buckets)
        write_groups(self._storage, name, table.schema, groups)
        self.written += 1


def _one_table(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables whose columns have a common type as one."""
    types: Types = types_in(tables[0], texts=False)
    for table in tables[1:]:
        types = common_types(types, types_in(table, texts=False), texts=False)
    kinds = list(types.values())
    return pa.concat_tables(_typed(table, kinds, texts=False) for table in tables)


def _typed(table: pa.Table, types: Sequence[pa.DataType], texts: bool) -> pa.Table:
    key, *columns = table.combine_chunks().columns
    given = [_whole(column) for column in columns]
    made = [
        typed_texts(column, kind) if texts else as_type(column, kind)
        for column, kind in zip(given, types, strict=True)
    ]
    return pa.table([_whole(key), *made], schema=_schema(types))


def _schema(types: Sequence[pa.DataType]) -> pa.Schema:
    """Of the files of rows: columns have numbers for names, as tables may name theirs as keys."""
    return pa.schema([(KEY, pa.string()), *((str(n), kind) for n, kind in enumerate(types))])


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def _common(types: Types | None, others: Types, texts: bool, rows: Rows, file: RowFile) -> Types:
    try:
        return others if types is None else common_types(types, others, texts)
    except ValueError as error:
        raise ConfigError(f"the table {rows.name}: in its file {file.url}, {error}") from None
