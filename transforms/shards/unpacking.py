"""Compressed streams read step by step, so that damage costs nothing of what precedes it."""

import gzip
import io
import zlib
from collections.abc import Callable
from typing import IO, Any

import pyarrow as pa

from transforms.shards.file_kinds import Compression

_SKIP_BYTES = 2**20
_ZSTD_STEP = 8 * 2**10
_ERRORS = (EOFError, OSError, zlib.error, pa.ArrowException)


class DamagedStreamError(EOFError):
    """The compressed bytes are damaged, or end too early: what the decompressor says."""


class Unpacked(io.RawIOBase):
    """What the compressed stream `packed` holds, of all its members or frames.

    Seeks forward by reading on, and backward by reading again from the beginning. Raises
    DamagedStreamError.
    """

    def __init__(self, packed: IO[bytes], compression: Compression) -> None:
        self.packed = packed
        self.compression = compression
        self._position = 0
        self._reader = _READERS[compression](packed)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the length of a compressed stream is not known")
        target = offset + (self._position if whence == io.SEEK_CUR else 0)
        if target < self._position:
            self.packed.seek(0)
            self._position = 0
            self._reader = _READERS[self.compression](self.packed)
        while self._position < target and self._next(min(target - self._position, _SKIP_BYTES)):
            pass
        return self._position

    def tell(self) -> int:
        return self._position

    def _next(self, size: int) -> bytes:
        try:
            data = self._reader(size)
        except _ERRORS as error:  # a storage that fails raises a FairshardError
            raise DamagedStreamError(str(error)) from error
        self._position += len(data)
        return data


class _Gzip:
    def __init__(self, packed: IO[bytes]) -> None:
        self._file = gzip.GzipFile(fileobj=packed, mode="rb")

    def __call__(self, size: int) -> bytes:
        return self._file.read1(size)


class _Zstd:
    def __init__(self, packed: IO[bytes]) -> None:
        self._stream = pa.CompressedInputStream(_Open(packed), "zstd")

    def __call__(self, size: int) -> bytes:
        data: bytes = self._stream.read(min(size, _ZSTD_STEP))
        return data


class _Open:
    """A stream that is not closed by the one that reads it."""

    closed = False

    def __init__(self, stream: IO[bytes]) -> None:
        self.read = stream.read

    def close(self) -> None:
        return None

    def readable(self) -> bool:
        return True


_READERS: dict[Compression, Callable[[IO[bytes]], Callable[[int], bytes]]] = {
    "gzip": _Gzip,
    "zstd": _Zstd,
}
