"""What the system is told of a tar that is read, and what it is left to keep."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from transforms.shards.announcing import Announcer

_RANGES = ((0, 4096), (8192, 16384))


def _told(path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool) -> list[tuple[int, ...]]:
    """The advice on a file that is announced, read and done with, as the system says of it."""
    told: list[tuple[int, ...]] = []

    def byte(file: int, buffers: Sequence[bytearray], offset: int, flags: int) -> int:
        if in_memory:
            return 1
        raise BlockingIOError

    monkeypatch.setattr(os, "preadv", byte)
    monkeypatch.setattr(os, "posix_fadvise", lambda file, *advice: told.append(advice))
    path.write_bytes(bytes(16384))
    with path.open("rb", buffering=0) as stream, Announcer(stream) as system:
        system.expect(_RANGES)
        system.forget(_RANGES)
    return told


def test_what_is_fetched_is_forgotten_with_what_lies_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = [(0, 4096, os.POSIX_FADV_WILLNEED), (8192, 8192, os.POSIX_FADV_WILLNEED)]
    forgotten = [(0, 16384, os.POSIX_FADV_DONTNEED)]
    assert _told(tmp_path / "a.tar", monkeypatch, in_memory=False) == fetched + forgotten


def test_what_was_in_memory_before_is_left_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _told(tmp_path / "a.tar", monkeypatch, in_memory=True) == []


def test_what_is_no_file_is_not_announced() -> None:
    class Remote:
        def read(self) -> bytes:
            return b""

    with Announcer(Remote()) as system:  # type: ignore[arg-type]
        system.expect(_RANGES)
        system.forget(_RANGES)


def test_a_read_that_fails_waits_for_no_announcement(tmp_path: Path) -> None:
    """Nothing is said of a file once it is closed: another may have its number."""
    path = tmp_path / "a.tar"
    path.write_bytes(bytes(16384))
    with (
        pytest.raises(ZeroDivisionError),
        path.open("rb") as stream,
        Announcer(stream) as system,
    ):
        for _ in range(1000):
            system.expect(_RANGES)
        raise ZeroDivisionError
    assert system._thread._shutdown
    assert not any(thread.is_alive() for thread in system._thread._threads)
