"""Telling the system what of a tar will soon be read, and what was, from a thread of its own.

Where it can be told: of plain tars on a local disk. What was in memory before stays there: another
process may go by it.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

GROUP_BYTES = 8 * 2**20
MOST_BYTES = 32 * 2**20

Range = tuple[int, int]
"""Where something begins, and where it ends."""


class Announcer:
    """Announces ranges of a stream, a group of some side by side at a time; a context."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._file: int | None = None
        with suppress(OSError, AttributeError):
            self._file = stream.fileno()
        self._ours: set[Range] = set()
        self._thread = ThreadPoolExecutor(1)

    def expect(self, ranges: Sequence[Range]) -> None:
        """Let the system fetch them."""
        if self._file is not None:
            self._thread.submit(self._expect, self._file, ranges)

    def forget(self, ranges: Sequence[Range]) -> None:
        """Let it free the memory that they and what lies between them took."""
        if self._file is not None:
            self._thread.submit(self._forget, self._file, ranges)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown(cancel_futures=error is not None)

    def _expect(self, file: int, ranges: Sequence[Range]) -> None:
        if not _in_memory(file, ranges[-1][0]):
            self._ours.add(ranges[0])
            for offset, end in ranges:
                size = min(end - offset, MOST_BYTES)
                _advise(file, offset, size, os.POSIX_FADV_WILLNEED)

    def _forget(self, file: int, ranges: Sequence[Range]) -> None:
        if ranges[0] in self._ours:
            offset = ranges[0][0]
            _advise(file, offset, ranges[-1][1] - offset, os.POSIX_FADV_DONTNEED)


def _advise(file: int, offset: int, size: int, advice: int) -> None:
    with suppress(OSError):
        os.posix_fadvise(file, offset, size, advice)


def _in_memory(file: int, offset: int) -> bool:
    """Whether the byte there can be read without a disk; False where the system does not say."""
    try:
        return os.preadv(file, [bytearray(1)], offset, os.RWF_NOWAIT) > 0
    except OSError:
        return False
