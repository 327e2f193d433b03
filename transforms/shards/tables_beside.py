"""The Parquet file beside an input shard, as img2dataset writes one of the shard's samples."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.base.errors import FairshardError, reason_of, storage_error
from transforms.shards.naming import beside
from transforms.shards.streams import open_stored
from transforms.shards.web_files import WebFile, as_told

KEY = "key"
_ROWS_AT_ONCE = 1 << 14
_ABSENT = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
_NOT_SERVED = (400, 401, 403, 404, 405, 410)


class UnusableError(Exception):
    """A file beside a shard is no table of its samples: why, in a clause."""


def rows_beside(
    shard: str, keys: list[str], kept: pa.ChunkedArray, options: dict[str, Any]
) -> pa.Table | None:
    """The rows of samples with these `keys`, a row a key, in their order; nulls where is none.

    Without their key, of the types that they have. `shard` is the tar's URL, of whose samples those
    with the keys `kept` are kept. None where no file is beside it. Raises UnusableError where it is
    of none of these, UnreachableError where the storage fails.
    """
    url = beside(shard, ".parquet")
    stream = _opened(url, options)
    if stream is None:
        return None
    with stream, _guarded(url, stream) as source:
        try:
            return _aligned(_rows(source, keys, kept), keys)
        except (FairshardError, UnusableError):
            raise
        except Exception as error:  # content of any other form makes parsers raise anything
            raise UnusableError("it is no Parquet that can be read") from error


def _rows(source: IO[bytes], keys: list[str], kept: pa.ChunkedArray) -> pa.Table:
    """The rows of the file that have one of `keys`."""
    file = pq.ParquetFile(source)
    names = file.schema_arrow.names
    if KEY not in names:
        raise UnusableError("it has no column 'key'")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UnusableError(f"two of its columns are named {twice!r}")
    if not _is_text(file.schema_arrow.field(KEY).type):
        raise UnusableError("its column 'key' holds no text")
    counts = pc.value_counts(file.read([KEY], use_threads=False).column(KEY).cast(pa.string()))
    again = counts.filter(pc.greater(counts.field("counts"), 1)).field("values").drop_null()
    if len(again):
        raise UnusableError(f"it has more than one row with the key {again[0].as_py()!r}")
    if not pc.is_in(counts.field("values"), value_set=kept).true_count:
        raise UnusableError("none of its keys is that of a sample of the shard that is kept")
    wanted = pa.array(keys, pa.string()).unique()
    here = []
    for batch in file.iter_batches(_ROWS_AT_ONCE, use_threads=False):
        found = pc.is_in(batch.column(KEY).cast(pa.string()), value_set=wanted)
        if found.true_count:
            here.append(batch.filter(found))
    return pa.Table.from_batches(here, file.schema_arrow)


def _aligned(rows: pa.Table, keys: list[str]) -> pa.Table:
    own = rows.column(KEY).cast(pa.string()).combine_chunks()
    taken = rows.drop_columns([KEY]).take(pc.index_in(pa.array(keys, pa.string()), own))
    plain = [pa.field(field.name, field.type) for field in taken.schema]
    return pa.Table.from_arrays(taken.columns, schema=pa.schema(plain))


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def _opened(url: str, options: dict[str, Any]) -> IO[bytes] | None:
    """The file at `url`; None where there is none, or none that this user may read."""
    try:
        return open_stored(url, options)
    except Exception as error:  # storage libraries raise exceptions of their own
        told = as_told(error, url)
        if isinstance(told, _ABSENT) or getattr(told, "status", None) in _NOT_SERVED:
            return None
        raise _failed(url, told) from None


@contextmanager
def _guarded(url: str, stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """The same stream, whose failures are told from what is wrong with its content.

    A file on a web server that does not tell where it ends is read whole.
    """
    with io.BufferedReader(_Guarded(url, stream), io.DEFAULT_BUFFER_SIZE) as guarded:
        endless = isinstance(stream, WebFile) and stream.size is None
        yield io.BytesIO(guarded.read()) if endless else guarded


class _Guarded(io.RawIOBase):
    def __init__(self, url: str, stream: Any) -> None:
        self._url = url
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return int(self._stream.readinto(buffer))
        except Exception as error:  # storage libraries raise exceptions of their own
            raise _failed(self._url, error) from None

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            return int(self._stream.seek(offset, whence))
        except Exception as error:  # storage libraries raise exceptions of their own
            raise _failed(self._url, error) from None

    def tell(self) -> int:
        return int(self._stream.tell())


def _failed(url: str, error: Exception) -> FairshardError:
    return storage_error(
        error,
        f"the table {url} cannot be read: {reason_of(error)}; see to it, then run the same command "
        "again, or do without tables beside the shards (output.beside: [sizes])",
    )
