"""Label tables and reject tables as Parquet, the same bytes for the same rows."""

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from transforms import layout
from transforms.errors import StaleError
from transforms.records import LabelRecord
from transforms.storage import Storage

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


def read_labels(
    storage: Storage, record: LabelRecord, columns: list[str] | None = None
) -> pa.Table:
    """The label table that `record` vouches for (or some of its columns).

    Raises StaleError where the file is not the one that the record was written for.
    """
    return pq.read_table(pa.BufferReader(_vouched(storage, record)), columns=columns)


def label_parts(storage: Storage, record: LabelRecord, columns: list[str]) -> Iterator[pa.Table]:
    """Some columns of the label table that `record` vouches for, 262,144 rows at a time.

    Takes the memory of the file and of one part, and one thread. Raises StaleError as
    `read_labels` does.
    """
    file = pq.ParquetFile(pa.BufferReader(_vouched(storage, record)))
    for batch in file.iter_batches(_ROWS_AT_ONCE, columns=columns, use_threads=False):
        yield pa.Table.from_batches([batch])


def _vouched(storage: Storage, record: LabelRecord) -> bytes:
    name = layout.labels(record.shard.name)
    content = storage.read(name)
    if digest(content) != record.table_digest:
        raise StaleError(
            f"{storage.path(name)} changed after it was labelled: delete "
            f"{storage.path(layout.label_record(record.shard.name))} to label the shard again"
        )
    return content
