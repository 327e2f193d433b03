"""Files on any fsspec storage: reading, and publishing whole or not at all."""

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from transforms.config import OutputConfig
from transforms.errors import FairshardError


@dataclass(frozen=True)
class Storage:
    """A folder of artefacts at `url`, with the options of its file system.

    Names are relative to `url`, with '/' between folders.
    """

    url: str
    options: dict[str, Any] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """The full URL of the file `name`."""
        return f"{self.url.rstrip('/')}/{name}"

    def exists(self, name: str) -> bool:
        """Whether the file `name` is there."""
        system, path = self._at(name)
        return bool(system.exists(path))

    def names(self, folder: str) -> tuple[str, ...]:
        """The names of the files in `folder`, sorted; none where there is no such folder."""
        return tuple(self.versions(folder))

    def versions(self, folder: str) -> dict[str, str]:
        """Name and version of each file in `folder`; none where there is no such folder."""
        system, path = self._at(folder)
        try:
            found = system.ls(path, detail=True, refresh=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        files = {str(e["name"]).rsplit("/", 1)[-1]: e for e in found if e["type"] == "file"}
        return {name: version_of(files[name]) for name in sorted(files) if not name.startswith(".")}

    def read(self, name: str) -> bytes:
        """The bytes of the file `name`; FairshardError where there is none."""
        system, path = self._at(name)
        try:
            return bytes(system.cat_file(path))
        except FileNotFoundError as error:
            raise FairshardError(
                f"{self.path(name)} is missing: run the stage that writes it"
            ) from error

    def delete(self, name: str) -> None:
        """Remove the file `name` if it is there."""
        system, path = self._at(name)
        if system.exists(path):
            system.rm_file(path)

    def publish(self, name: str, content: bytes) -> None:
        """Write the file `name`, so that readers see all of it or nothing."""
        with self.publishing(name) as stream:
            stream.write(content)

    def sweep(self) -> None:
        """Remove the hidden files that dead attempts left; no attempt may be running."""
        system, path = self._at("")
        for folder in ("labels", "rejects", "plan", "shards", "done/labels", "done/shards", "."):
            for name in system.glob(f"{path.rstrip('/')}/{folder}/.*.tmp"):
                system.rm_file(name)

    @contextmanager
    def publishing(self, name: str) -> Iterator[IO[bytes]]:
        """A binary stream that becomes the file `name` when the block ends without an error.

        The bytes go to a hidden name of this attempt's own, which is renamed at the end (synced
        first, on a local disk), and removed after an error.
        """
        system, path = self._at(name)
        folder, last = path.rsplit("/", 1)
        system.makedirs(folder, exist_ok=True)
        attempt = f"{folder}/.{last}.{uuid.uuid4().hex}.tmp"
        try:
            with system.open(attempt, "wb") as stream:
                yield stream
                stream.flush()
                if isinstance(system, LocalFileSystem):
                    os.fsync(stream.fileno())
            _rename(system, attempt, path)
        except BaseException:
            if system.exists(attempt):
                system.rm_file(attempt)
            raise

    def _at(self, name: str) -> tuple[Any, str]:
        system, path = fsspec.core.url_to_fs(self.path(name), **self.options)
        return system, path


def output_storage(output: OutputConfig) -> Storage:
    """The folder that a configuration's artefacts go to."""
    return Storage(output.url, output.storage_options)


def version_of(info: Mapping[str, Any]) -> str:
    """What tells one version of a file from another: its etag, or its time; '' if there is none."""
    keys = (
        "ETag",
        "etag",
        "md5Hash",
        "mtime",
        "LastModified",
        "last_modified",
        "updated",
        "created",
    )
    return next((str(info[key]) for key in keys if info.get(key) is not None), "")


def _rename(system: Any, attempt: str, path: str) -> None:
    if isinstance(system, LocalFileSystem):
        os.replace(attempt, path)
    else:
        system.mv(attempt, path)
