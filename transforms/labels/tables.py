"""Label tables and reject tables as Parquet, the same bytes for the same rows."""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from transforms.base.errors import StaleError
from transforms.config.columns import Derived
from transforms.labels.derived import stored_columns, with_derived
from transforms.labels.records import LabelRecord
from transforms.storage import paths
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed

REJECTS = pa.schema([("key", pa.string()), ("stage", pa.string()), ("error", pa.string())])
_ROWS_AT_ONCE = 1 << 18


def parquet_bytes(table: pa.Table) -> bytes:
    """`table` as one Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", row_group_size=1 << 20)
    return sink.getvalue()


def digest(content: bytes) -> str:
    """The xxh3-128 of `content`, in hexadecimal."""
    return xxhash.xxh3_128_hexdigest(content)


def digest_of(value: Any) -> str:
    """The digest of a JSON value, whatever the order of its keys."""
    return digest(json.dumps(value, sort_keys=True).encode())


def read_labels(
    storage: Storage,
    record: LabelRecord,
    columns: list[str] | None = None,
    derived: Sequence[Derived] = (),
) -> pa.Table:
    """The label table that `record` vouches for, and what is `derived` (or some of the columns).

    Raises StaleError where the file is not the one that the record was written for.
    """
    with _readable(storage, record):
        stored = None if columns is None else stored_columns(columns, derived)
        table = label_file(storage, record).read(stored)
        _check_rows(table.num_rows, record)
        return with_derived(table, derived, columns)


def label_file(storage: Storage, record: LabelRecord) -> pq.ParquetFile:
    """The label table that `record` vouches for, to read by parts; StaleError as `read_labels`."""
    shard = record.shard.name
    content = vouched(storage, paths.labels(shard), record.table_digest, paths.label_record(shard))
    with _readable(storage, record):
        file = pq.ParquetFile(pa.BufferReader(content))
        _check_rows(file.metadata.num_rows, record)
        return file


def label_batches(
    storage: Storage, record: LabelRecord, columns: list[str], derived: Sequence[Derived] = ()
) -> Iterator[pa.Table]:
    """Some columns of the label table that `record` vouches for, 262,144 rows at a time.

    Those that are `derived` are among them.

    Takes the memory of the file and of one batch, and one thread. Raises StaleError as
    `read_labels` does.
    """
    file, stored = label_file(storage, record), stored_columns(columns, derived)
    rows = 0
    with _readable(storage, record):
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=stored, use_threads=False):
            rows += batch.num_rows
            yield with_derived(pa.Table.from_batches([batch]), derived, columns)
        _check_rows(rows, record)


def _readable(storage: Storage, record: LabelRecord) -> AbstractContextManager[None]:
    where = storage.path(paths.labels(record.shard.name))
    return well_formed(f"{where} is not a label table: delete its record to label the shard again")


def _check_rows(rows: int, record: LabelRecord) -> None:
    if rows != record.samples:
        raise ValueError(f"{rows} rows for {record.samples} samples")


def vouched(storage: Storage, name: str, wanted: str, record: str) -> bytes:
    """The bytes of the file `name`; StaleError unless `wanted`, of the file `record`, is theirs."""
    content = storage.read(name)
    if digest(content) != wanted:
        raise StaleError(
            f"{storage.path(name)} changed after it was labelled: delete {storage.path(record)} to "
            "label the shard again"
        )
    return content


def labels_digest(records: Iterable[LabelRecord]) -> str:
    """A digest of the label tables that `records` vouch for."""
    ordered = sorted(records, key=lambda record: record.shard.name)
    return digest_of([[record.shard.name, record.table_digest] for record in ordered])
