"""The folders that a local Spark writes scratch files to: this user's alone, and gone after use.

Each holds a lock for as long as its process lives. What processes left that were killed is removed
by the next one that uses the same place.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from transforms.errors import FairshardError, reason_of

_PREFIX = "fairshard-spark-"
_LOCK = "lock"


@contextmanager
def scratch_folders(roots: Sequence[str]) -> Iterator[list[str]]:
    """A folder in each of `roots` that its parent keeps to this user, for the block.

    Spark opens the folder that it is given to others; it cannot open the one above.
    """
    with ExitStack() as stack:
        yield [stack.enter_context(_folder(root)) for root in roots]


@lru_cache(maxsize=1)
def java_folder() -> str:
    """A folder for the temporary files of this process's Java, which lives as long as it does."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(_folder(tempfile.gettempdir()))


@contextmanager
def _folder(root: str) -> Iterator[str]:
    try:
        os.makedirs(root, exist_ok=True)
        _sweep(root)
        folder = tempfile.mkdtemp(prefix=_PREFIX, dir=root)
    except OSError as error:
        raise FairshardError(
            f"Spark's scratch files cannot be written to {root}: {reason_of(error)}; name another "
            "place: -- --conf spark.local.dir=FOLDER"
        ) from error
    try:
        inner = Path(folder, "spark")
        inner.mkdir()
        with _locked(folder):
            yield str(inner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """The lock is held before it bears its name: a sweep takes no folder for left that is new."""
    with open(Path(folder, f"{_LOCK}-to-be"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(lock.name, Path(folder, _LOCK))
        yield


def _sweep(root: str) -> None:
    """Remove this user's folders whose processes are dead."""
    for entry in os.scandir(root):
        mine = entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False)
        if mine and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
            with suppress(OSError), open(Path(entry.path, _LOCK), "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(entry.path, ignore_errors=True)
