"""Many small files of a storage at once: what is waited for is the store."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.storage.files import Storage

_AT_ONCE = 16

A = TypeVar("A")
B = TypeVar("B")


def at_once(work: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """What `work` gives for each item, in order, 16 at a time; raises what it raises."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, items))


def records_in(storage: Storage, folder: str, read: Callable[[bytes], B]) -> list[B]:
    """The JSON records in a folder, but for one that is being replaced, or is no record."""

    def record(name: str) -> B | None:
        content = storage.find(f"{folder}/{name}")
        if content is None:
            return None
        try:
            return read(content)
        except (FairshardError, ValueError, TypeError, KeyError):
            return None

    names = (name for name in storage.names(folder) if name.endswith(paths.RECORD))
    return [found for found in at_once(record, names) if found is not None]
