"""Opening tars on any fsspec storage as streams, decompressed where they are compressed."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, TypeVar, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from transforms.base.errors import MissingInputError, UnreachableError, reason_of, storage_error
from transforms.config.urls import on_the_web
from transforms.shards.file_kinds import MAGIC_BYTES, Compression, compression_by
from transforms.shards.unpacking import Unpacked
from transforms.shards.web_files import WebFile, as_told

READ_AHEAD_BYTES = 8 * 2**20
BUFFER_BYTES = 128 * 2**10

_Result = TypeVar("_Result")


@contextmanager
def open_tar(
    url: str,
    options: dict[str, Any],
    buffer_bytes: int = BUFFER_BYTES,
    size: int | None = None,
    compression: Compression | None = None,
    what: str = "the shard",
) -> Iterator[IO[bytes]]:
    """A buffered stream of the tar at `url`, decompressed.

    `options` are the file system's; a read of more than `buffer_bytes` passes by the buffer; `size`
    is how many bytes are stored there (None: as many as the storage says). The `compression` is
    told by the first bytes, whatever the name; where it is given, these are not read. Errors call
    it `what`. Raises FairshardError, also while reading, where the storage fails or ends before
    `size`.
    """
    named = f"{what} {url}"
    source = _storage_call(named, lambda: open_stored(url, options), url)
    expected = _size_of(source) if size is None else size
    with source, io.BufferedReader(_Guarded(source, named, url, expected), buffer_bytes) as stream:
        if compression is None:
            compression = compression_by(stream.peek(MAGIC_BYTES))
        if compression:
            yield io.BufferedReader(Unpacked(stream, compression), BUFFER_BYTES)
        else:
            yield stream


def compression_of(stream: IO[bytes]) -> Compression:
    """The compression of a tar that `open_tar` opened; "" where there is none."""
    raw = getattr(stream, "raw", None)
    return raw.compression if isinstance(raw, Unpacked) else ""


def stored_position(stream: IO[bytes]) -> int:
    """About how many of its stored bytes have been read of a tar that `open_tar` opened."""
    raw = getattr(stream, "raw", None)
    return raw.packed.tell() if isinstance(raw, Unpacked) else stream.tell()


def open_stored(url: str, options: dict[str, Any]) -> IO[bytes]:
    """The file at `url` as it is stored, to read by ranges; raises whatever its storage raises."""
    system, path = fsspec.core.url_to_fs(url, **options)
    if isinstance(system, LocalFileSystem):
        return open(path, "rb", buffering=0)
    if on_the_web(path):
        return cast(IO[bytes], WebFile(system, path, READ_AHEAD_BYTES))
    stream: IO[bytes] = system.open(path, "rb", cache_type="readahead", block_size=READ_AHEAD_BYTES)
    return stream


def _size_of(source: Any) -> int:
    """How many bytes the storage says that there are; 0 where it does not say."""
    if hasattr(source, "size"):
        return source.size or 0
    try:
        return os.fstat(source.fileno()).st_size
    except OSError:
        return 0


def _storage_call(named: str, call: Callable[[], _Result], url: str) -> _Result:
    """What `call` returns; its error in a sentence alone, as the error may show the URL's token."""
    try:
        return call()
    except Exception as error:  # storage libraries raise exceptions of their own
        told = as_told(error, url)
        if isinstance(told, FileNotFoundError):
            raise MissingInputError(f"{named} does not exist: restore it") from None
        raise storage_error(
            told,
            f"{named} cannot be read: {reason_of(told)}; see to it, then run the same command "
            "again",
        ) from None


class _Guarded(io.RawIOBase):
    """A storage's stream, whose failures, early ends too, are FairshardErrors that name the URL."""

    def __init__(self, source: Any, named: str, url: str, size: int) -> None:
        self._source = source
        self._named = named
        self._url = url
        self._size = size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._source.seekable())

    def readinto(self, buffer: Any) -> int:
        count = self._call(lambda: int(self._source.readinto(buffer)))
        if not count and len(buffer) and (position := self.tell()) < self._size:
            raise UnreachableError(
                f"{self._named} ends after {position:,} of its {self._size:,} bytes: its "
                "storage fails, or it was changed meanwhile; run the same command again"
            )
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._call(lambda: int(self._source.seek(offset, whence)))

    def tell(self) -> int:
        return int(self._source.tell())

    def fileno(self) -> int:
        return int(self._source.fileno())

    def _call(self, call: Callable[[], int]) -> int:
        return _storage_call(self._named, call, self._url)
