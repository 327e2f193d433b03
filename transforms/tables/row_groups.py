"""Files of rows in row groups, each of which is read by itself: buckets, or groups of shards."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed

_TOLD = b"fairshard"


def in_buckets(table: pa.Table, buckets: NDArray[np.int64], count: int) -> Iterator[pa.Table]:
    """The rows of each of so many buckets, in their order; `buckets` are those of the rows."""
    order = np.argsort(buckets, kind="stable")
    ends = np.cumsum(np.bincount(buckets, minlength=count))
    taken = table.take(pa.array(order))
    for start, end in zip((0, *ends[:-1].tolist()), ends.tolist(), strict=True):
        yield taken.slice(start, end - start)


def write_groups(
    storage: Storage,
    name: str,
    schema: pa.Schema,
    groups: Iterable[pa.Table],
    told: Callable[[], bytes] = bytes,
) -> None:
    """Write the file `name`, a row group for each table, those without a row too.

    told: what `told_in` will tell of it, asked once all are written.
    """
    with (
        storage.publishing(name) as stream,
        closing(
            pq.ParquetWriter(
                stream,
                schema,
                compression="zstd",
                compression_level=1,
                use_dictionary=False,
                write_statistics=False,
            )
        ) as writer,
    ):
        for table in groups:
            writer.write_table(table.cast(schema), row_group_size=max(1, table.num_rows))
        writer.add_key_value_metadata({_TOLD: told()})


def told_in(storage: Storage, name: str) -> bytes | None:
    """What was told of the file `name`; None where there is none."""
    if not storage.exists(name):
        return None
    with storage.opened(name) as stream, _well_formed(storage, name):
        return bytes(pq.ParquetFile(stream).metadata.metadata[_TOLD])


def read_groups(storage: Storage, names: Sequence[str], group: int) -> Iterator[pa.Table]:
    """The row group of that number in each of some files."""
    for name in names:
        yield read_group(storage, name, group)


def read_group(storage: Storage, name: str, group: int) -> pa.Table:
    """One row group of a file; FairshardError where it is no such file."""
    with storage.opened(name) as stream, _well_formed(storage, name):
        return pq.ParquetFile(stream).read_row_group(group, use_threads=False)


def _well_formed(storage: Storage, name: str) -> AbstractContextManager[None]:
    return well_formed(
        f"{storage.path(name)} is damaged: delete it, and run the same command again"
    )
