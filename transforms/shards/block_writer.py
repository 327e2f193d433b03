"""Writing a long file in large blocks: one is filled while the one before is written."""

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from time import perf_counter
from types import TracebackType
from typing import IO, Self

BLOCK_BYTES = 8 * 2**20


class BlockWriter:
    """Writes, counts and hashes bytes, in order; a context, at whose end all is written.

    `bytes` have been taken in, and `sha256`, in hexadecimal, is that of the written ones. `seconds`
    is the time that a thread of its own spent on writing and hashing; `held_up` is the part of it
    during which the caller could not go on.
    """

    def __init__(self, sink: IO[bytes]) -> None:
        self.bytes = 0
        self.seconds = 0.0
        self.held_up = 0.0
        self._sink = sink
        self._written = 0
        self._hash = hashlib.sha256()
        self._filling, self._spare = (memoryview(bytearray(BLOCK_BYTES)) for _ in range(2))
        self._filled = 0
        self._thread = ThreadPoolExecutor(1)
        self._write: Future[float] | None = None

    @property
    def sha256(self) -> str:
        """The SHA-256 of all that has been sent to the sink."""
        return self._hash.hexdigest()

    def room(self, size: int) -> memoryview:
        """The place of the next `size` bytes (BLOCK_BYTES at most), to be filled at once."""
        if self._filled + size > BLOCK_BYTES:
            self._send()
        start = self._filled
        self._filled += size
        self.bytes += size
        return self._filling[start : self._filled]

    def write(self, data: bytes) -> None:
        """Take in `data`, of BLOCK_BYTES at most."""
        self.room(len(data))[:] = data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._thread:
            if error is None:
                self._send()
                self._wait()

    def _send(self) -> None:
        self._wait()
        self._write = self._thread.submit(self._write_block, self._filling[: self._filled])
        self._filling, self._spare = self._spare, self._filling
        self._filled = 0

    def _wait(self) -> None:
        start = perf_counter()
        if self._write is not None:
            self.seconds += self._write.result()
            self._write = None
        self.held_up += perf_counter() - start

    def _write_block(self, block: memoryview) -> float:
        start = perf_counter()
        self._sink.write(block)
        self._hash.update(block)
        self._written += len(block)
        _write_back(self._sink, self._written)
        return perf_counter() - start


def _write_back(sink: IO[bytes], size: int) -> None:
    """Let Linux bring the first `size` bytes to a local disk, and free the memory of those there.

    That is what POSIX_FADV_DONTNEED does, to pages that are not yet on the disk and to others. A
    sync at the end then finds little left, and large output does not fill the page cache.
    """
    with suppress(OSError, AttributeError):
        os.posix_fadvise(sink.fileno(), 0, size, os.POSIX_FADV_DONTNEED)
