"""A file system of local files whose reads fail, stall, come short or end early at random."""

import errno
import io
import itertools
import json
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

PROTOCOL = "faulty"
_SETTINGS = "FAULTY_READS"
_STALL_SECONDS = 0.2
_ERRORS = {
    "input/output error": lambda: OSError(errno.EIO, "Input/output error"),
    "connection reset": lambda: ConnectionResetError("Connection reset by peer"),
    "timeout": lambda: TimeoutError("The read timed out"),
}
_STALL = "stall"
_SHORT = "short read"
_END = "early end"
_OF_LISTINGS = (*_ERRORS, _STALL)
_OF_READS = (*_ERRORS, _STALL, _SHORT, _END)


class FaultyFileSystem(AbstractFileSystem):
    """Local files under `faulty://`, to be read alone; without `settings`, they are read as is."""

    protocol = PROTOCOL

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._local = LocalFileSystem()
        self._openings = itertools.count()
        self._settings = json.loads(os.environ.get(_SETTINGS, "null"))

    def ls(self, path: str, detail: bool = True, **named: Any) -> Any:
        """What is in a folder."""
        self._dice("listings", path).fault(_OF_LISTINGS)
        return self._local.ls(self._strip_protocol(path), detail=detail)

    def info(self, path: str, **named: Any) -> dict[str, Any]:
        """What is known of a file."""
        return dict(self._local.info(self._strip_protocol(path)))

    def _open(self, path: str, mode: str = "rb", **named: Any) -> "_FaultyFile":
        dice = self._dice("reads", path)
        dice.fault(_OF_LISTINGS)
        return _FaultyFile(self._strip_protocol(path), dice)

    def _dice(self, kind: str, what: str) -> "_Dice":
        return _Dice(self._settings, kind, f"{Path(what).name} {next(self._openings)}")


def settings(seed: str, log: Path, reads: float = 0.0, listings: float = 0.0) -> dict[str, str]:
    """The environment in which these shares of calls have a fault; `log` gets a line for each."""
    values = {"seed": seed, "log": str(log), "reads": reads, "listings": listings}
    return {_SETTINGS: json.dumps(values)}


@contextmanager
def plugged_in(folder: Path) -> Iterator[Path]:
    """A folder that makes fsspec know the file system, in each Python that has it on its path."""
    about = folder / "faulty_reads-0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty-reads\nVersion: 0\n")
    entry = f"{PROTOCOL} = {FaultyFileSystem.__module__}:{FaultyFileSystem.__name__}"
    (about / "entry_points.txt").write_text(f"[fsspec.specs]\n{entry}\n")
    yield folder


class _Dice:
    """Draws the faults of one listing, or of one opening of a file."""

    def __init__(self, settings: Mapping[str, Any] | None, kind: str, what: str) -> None:
        self._settings = settings
        self._share = settings[kind] if settings else 0.0
        self._random = random.Random(f"{settings and settings['seed']} {what}")
        self._what = what

    def fault(self, faults: Sequence[str]) -> str | None:
        """One of `faults`, or none: errors are raised, a stall lasts, the caller does the rest."""
        if self._settings is None or self._random.random() >= self._share:
            return None
        fault = self._random.choice(faults)
        with open(self._settings["log"], "a") as log:
            log.write(f"{fault}: {self._what}\n")
        if fault in _ERRORS:
            raise _ERRORS[fault]()
        if fault == _STALL:
            time.sleep(_STALL_SECONDS)
        return fault

    def part_of(self, size: int) -> int:
        """How much of `size` bytes a short read gives."""
        return self._random.randint(1, max(1, size // 2))


class _FaultyFile(io.RawIOBase):
    def __init__(self, path: str, dice: _Dice) -> None:
        super().__init__()
        self._file = Path(path).open("rb", buffering=0)  # noqa: SIM115
        self._dice = dice
        self.size = Path(path).stat().st_size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        whole = memoryview(buffer)
        fault = self._dice.fault(_OF_READS)
        if fault == _END:
            return 0
        short = fault == _SHORT
        return self._file.readinto(whole[: self._dice.part_of(len(whole))] if short else whole)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()
