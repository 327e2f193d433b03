"""The folders that a local Spark writes scratch files to: this user's alone, and gone after use.

Each holds a lock for as long as its process lives. What processes left that were killed is removed
by the next one that uses the same place.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from transforms.base.errors import FairshardError, reason_of

_PREFIX = "fairshard-spark-"
_LOCK = "lock"


@cache
def scratch_folder(root: str) -> str:
    """This process's folder in `root`, which others cannot enter; it goes with the process.

    It outlives a context of Spark: Java keeps to the folders of the first one.
    """
    stack = ExitStack()
    try:
        folder = stack.enter_context(_folder(root))
    except OSError as error:
        raise FairshardError(
            f"Spark's scratch files cannot be written to {root}: {reason_of(error)}; name another "
            "place: -- --conf spark.local.dir=FOLDER"
        ) from error
    atexit.register(stack.close)
    return folder


@contextmanager
def _folder(root: str) -> Iterator[str]:
    """Spark lets others into the folder that it is given, so it is given one in that of ours."""
    Path(root).mkdir(parents=True, exist_ok=True)
    _sweep(root)
    outer = tempfile.mkdtemp(prefix=_PREFIX, dir=root)
    inner = Path(outer, "spark")
    try:
        inner.mkdir()
        with _locked(outer):
            yield str(inner)
    finally:
        shutil.rmtree(outer, ignore_errors=True)


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """The lock is held before it bears its name: a sweep takes no new folder for a dead one's."""
    made = Path(folder, f"{_LOCK}-to-be")
    with made.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        made.rename(Path(folder, _LOCK))
        yield


def _sweep(root: str) -> None:
    """Remove this user's folders whose processes are dead."""
    for entry in os.scandir(root):
        mine = entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False)
        if mine and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
            with suppress(OSError), open(Path(entry.path, _LOCK), "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(entry.path, ignore_errors=True)
