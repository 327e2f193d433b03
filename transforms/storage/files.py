"""Files on any fsspec storage: reading, and publishing whole or not at all."""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from transforms.base.errors import FairshardError, reason_of, storage_error
from transforms.config.sections import OutputConfig
from transforms.storage import paths
from transforms.storage.atomic import (
    OBJECT_STORES,
    abort_uploads,
    commit,
    committing,
    left_behind,
    storage_errors,
)

_BLOCK_BYTES = 2**22
_LASTING = ("md5Hash", "ETag", "etag")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as a listing tells of it: its bytes, and its version, "" where its store has none.

    A time is no version here: it changes when a file is copied.
    """

    bytes: int
    version: str


@dataclass(frozen=True)
class Storage:
    """A folder of artefacts at `url`, with the options of its file system.

    Names are relative to `url`, with '/' between folders; those of labels to `labels`, where that
    is another folder.
    """

    url: str
    options: dict[str, Any] = field(default_factory=dict)
    labels: str | None = None

    @property
    def of_labels(self) -> "Storage":
        """The folder that the labels are in, as a folder of artefacts of its own."""
        return Storage(self.labels or self.url, self.options)

    def generation(self, number: int) -> "Storage":
        """What a generation of an output that grows was made from, as a folder of artefacts."""
        return Storage(f"{self.url.rstrip('/')}/{paths.generation(number)}", self.options)

    def path(self, name: str) -> str:
        """The full URL of the file `name`."""
        url = self.labels if self.labels and paths.is_of_labels(name) else self.url
        return f"{url.rstrip('/')}/{name}"

    def exists(self, name: str) -> bool:
        """Whether the file `name` is there."""
        system, path = self._at(name)
        with self._reading(name):
            return bool(system.exists(path))

    def names(self, folder: str) -> tuple[str, ...]:
        """The names of the files in `folder`, sorted; none where there is no such folder."""
        return tuple(self.versions(folder))

    def versions(self, folder: str) -> dict[str, str]:
        """Name and version of each file in `folder`; none where there is no such folder."""
        return {name: version_of(info) for name, info in self._infos(folder).items()}

    def written(self, folder: str) -> dict[str, float]:
        """Name of each file in `folder`, hidden ones too, and when it was written.

        In seconds since 1970, by the storage's own clock; nan where it does not tell.
        """
        return {name: time_of(info) for name, info in self._all(folder).items()}

    def listing(self, folder: str) -> dict[str, Listed]:
        """Name, size and lasting version of each file in `folder`, in one question to the store."""
        return {name: _listed(info) for name, info in self._infos(folder).items()}

    def listed(self, name: str) -> Listed | None:
        """Size and lasting version of the file `name`; None where there is none."""
        system, path = self._at(name)
        try:
            with self._reading(name):
                info = system.info(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _listed(info) if info["type"] == "file" else None

    def version(self, name: str) -> str:
        """The lasting version of the file `name`; "" where its store has none: no question then."""
        system, _ = self._at(name)
        if isinstance(system, LocalFileSystem):
            return ""
        listed = self.listed(name)
        return listed.version if listed else ""

    def hashed(self, name: str, hashing: Callable[[], Any]) -> str:
        """The digest of the file `name`, read block by block, in hexadecimal."""
        system, path = self._at(name)
        digest = hashing()
        with self._reading(name), system.open(path, "rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
        return str(digest.hexdigest())

    def read(self, name: str) -> bytes:
        """The bytes of the file `name`; FairshardError where there is none.

        Raises UnreachableError, as all that reads, where the storage does not tell.
        """
        content = self.find(name)
        if content is None:
            raise self._missing(name)
        return content

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        """The file `name`, to read parts of it; FairshardError where there is none."""
        system, path = self._at(name)
        try:
            with self._reading(name), system.open(path, "rb") as stream:
                yield stream
        except (FileNotFoundError, NotADirectoryError):
            raise self._missing(name) from None

    def _missing(self, name: str) -> FairshardError:
        return FairshardError(f"{self.path(name)} is missing: {paths.written_by(name)}")

    def find(self, name: str) -> bytes | None:
        """The bytes of the file `name`, or None where there is none, in one question."""
        system, path = self._at(name)
        try:
            with self._reading(name):
                return bytes(system.cat_file(path))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def part(self, name: str, first: int, last: int) -> bytes:
        """The bytes of the file `name` from `first` up to `last`."""
        system, path = self._at(name)
        with self._reading(name):
            return bytes(system.cat_file(path, start=first, end=last))

    def settle(self, name: str, content: bytes) -> None:
        """Publish the file `name`, unless it holds just that."""
        if self.find(name) != content:
            self.publish(name, content)

    def delete(self, name: str) -> None:
        """Remove the file `name` if it is there."""
        system, path = self._at(name)
        with self._writing(name), suppress(FileNotFoundError), storage_errors():
            system.rm_file(path)

    def publish(self, name: str, content: bytes) -> None:
        """Write the file `name`, so that readers see all of it or nothing."""
        with self._writing(name):
            commit(*self._at(name), content)

    @contextmanager
    def publishing(self, name: str) -> Iterator[IO[bytes]]:
        """A binary stream that becomes the file `name` when the block ends without an error.

        Raises FairshardError where the file is then not what was written.
        """
        with self._writing(name), committing(*self._at(name)) as stream:
            yield stream

    def touch(self, name: str, content: bytes) -> bool:
        """Make the file `name`, which holds `content`, one that is just written; whether it is.

        On a local disk it is touched in its place, and not where it is missing.
        """
        system, path = self._at(name)
        with self._writing(name):
            if not isinstance(system, LocalFileSystem):
                commit(system, path, content)
                return True
            try:
                os.utime(path)
            except FileNotFoundError:
                return False
            return True

    def left_behind(self) -> dict[str, int]:
        """The hidden files that dead attempts left, by name, and their bytes."""
        system, path = self._at("")
        root = path.rstrip("/")
        exports = (f"{paths.EXPORTS}/{name}" for name in self.folders(paths.EXPORTS))
        grown = (f"{paths.GENERATIONS}/{name}" for name in self.folders(paths.GENERATIONS))
        within = (folder for of_one in grown for folder in (of_one, f"{of_one}/{paths.PLANS}"))
        with self._reading(""):
            found = left_behind(system, root, (*paths.FOLDERS, *exports, *within))
        return {path.removeprefix(f"{root}/"): found[path] for path in sorted(found)}

    def sweep(self) -> None:
        """Remove what dead attempts left; no attempt may be running."""
        for name in self.left_behind():
            self.delete(name)
        system, path = self._at("")
        with self._writing(""):
            abort_uploads(system, path.rstrip("/"), paths.is_own)

    def folders(self, folder: str) -> tuple[str, ...]:
        """The names of the folders in `folder`, sorted; none where there is no such folder."""
        return tuple(sorted(self._all(folder, "directory")))

    def _infos(self, folder: str) -> dict[str, dict[str, Any]]:
        """What the store says of each file in `folder` that is not hidden, by name."""
        return {name: info for name, info in self._all(folder).items() if name[0] != "."}

    def _all(self, folder: str, kind: str = "file") -> dict[str, dict[str, Any]]:
        system, path = self._at(folder)
        try:
            with self._reading(folder):
                found = system.ls(path, detail=True, refresh=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        paths_there = ((str(entry["name"]).rstrip("/"), entry) for entry in found)
        named = {path.rsplit("/", 1)[-1]: e for path, e in paths_there if e["type"] == kind}
        return dict(sorted(named.items()))

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            with storage_errors():
                yield
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            raise storage_error(
                error,
                f"{self.path(name)} cannot be read: {reason_of(error)}; see to it, then run the "
                "same command again",
            ) from None

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise storage_error(
                error,
                f"{self.path(name)} cannot be written: {reason_of(error)}; see to it, then run the "
                "same command again",
            ) from error

    def _at(self, name: str) -> tuple[Any, str]:
        fresh = self.url.partition("://")[0] in OBJECT_STORES
        listings = {"use_listings_cache": False} if fresh else {}
        try:
            system, path = fsspec.core.url_to_fs(self.path(name), **listings, **self.options)
        except (ImportError, ValueError) as error:
            raise FairshardError(
                f"{self.url} cannot be opened: {reason_of(error)}; `fairshard doctor` with the "
                "configuration says what is missing"
            ) from error
        return system, path


def output_storage(output: OutputConfig) -> Storage:
    """The folder that a configuration's artefacts go to, and the one of its labels."""
    apart = output.labels is not None and _place(output.labels) != _place(output.url)
    return Storage(output.url, output.storage_options, output.labels if apart else None)


def _place(url: str) -> str:
    """A URL, or the real path of a local one."""
    local = url.removeprefix("file://")
    return url.rstrip("/") if "://" in local else os.path.realpath(local)


def time_of(info: Mapping[str, Any]) -> float:
    """When a file was written, in seconds since 1970; nan where its storage does not tell."""
    keys = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
    found = next((info[key] for key in keys if info.get(key) is not None), math.nan)
    if isinstance(found, str):
        found = datetime.fromisoformat(found)
    return found.timestamp() if isinstance(found, datetime) else float(found)


def version_of(info: Mapping[str, Any]) -> str:
    """What tells one version of a file from another: its etag, or its time; '' if there is none."""
    keys = (
        "ETag",
        "etag",
        "md5Hash",
        "mtime",
        "LastModified",
        "Last-Modified",
        "last_modified",
        "updated",
        "created",
    )
    return next((str(info[key]) for key in keys if info.get(key) is not None), "")


def _listed(info: Mapping[str, Any]) -> Listed:
    lasting = next((str(info[key]) for key in _LASTING if info.get(key)), "")
    return Listed(int(info["size"] or 0), lasting.strip('"'))
