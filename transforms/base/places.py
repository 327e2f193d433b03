"""Where files are, whatever they are called: whether one lies in a folder of another name.

A local place is known by its real path, and by device and inode: a link, a bind mount and another
spelling lead to one place. On other storages it is known by the key that the storage is asked for.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from transforms.base.errors import ConfigError

_OF_THE_DISK = ("file", "local")

Names = frozenset[tuple[str | int, ...]]
"""All names of one or more places in normal form; two places share none."""


@dataclass(frozen=True)
class Places:
    """The places of one storage. Each folder is looked at once, and taken to stay where it is."""

    system: Any
    _passed: dict[str, Names] = field(default_factory=dict)
    _real: dict[str, str] = field(default_factory=dict)

    @property
    def local(self) -> bool:
        """Whether the storage is this machine's disk."""
        return isinstance(self.system, LocalFileSystem)

    def of(self, path: str) -> Names:
        """The names of the place that `path` leads to, which need not be there."""
        if not self.local:
            return frozenset({(type(self.system).__name__, path.strip("/"))})
        real = os.path.realpath(path)
        try:
            found = Path(real).stat()
        except OSError:
            return frozenset({(real,)})
        return frozenset({(real,), (found.st_dev, found.st_ino)} if found.st_ino else {(real,)})

    def passed(self, path: str) -> Names:
        """The names of the folders on the way to `path`, as it is spelled."""
        folder = path.rstrip("/").rpartition("/")[0]
        if folder not in self._passed:
            above = self.passed(folder) if folder else frozenset()
            self._passed[folder] = above | self.of(folder or "/")
        return self._passed[folder]

    def around(self, path: str) -> Names:
        """The names of the folders that the place lies in which `path` leads to."""
        if not self.local:
            return self.passed(path)
        if Path(path).is_symlink():
            return self.passed(os.path.realpath(path))
        folder, _, name = path.rpartition("/")
        if folder not in self._real:
            self._real[folder] = os.path.realpath(folder or "/")
        return self.passed(f"{self._real[folder]}/{name}")


def checked_output(url: str, what: str = "output") -> str:
    """`url`, a local path or a URL, where an output can be there; ConfigError where it cannot.

    `what` is to be there, in words.
    """
    scheme, found, place = url.partition("://")
    if "::" in url:
        why = "holds `::`, which storages take for a chain of them: give it a name without"
    elif scheme == "memory" and found:
        why = "is the memory of one process, and workers are others: name a folder or a bucket"
    elif found and scheme not in _OF_THE_DISK and not (scheme and place.strip("/")):
        why = "names no place on a storage: write it as in s3://bucket/folder"
    else:
        return url
    raise ConfigError(f"the {what} {url} {why}")
