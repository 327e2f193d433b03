"""What a storage says of many files that are named one by one, in as few questions as it takes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from transforms.base.errors import FairshardError, MissingInputError, reason_of, storage_error
from transforms.config.urls import on_the_web
from transforms.shards.web_files import as_told
from transforms.storage.concurrent import at_once

_WORTH_A_LISTING = 50

_Infos = dict[str, dict[str, Any]]


class Lookup:
    """fsspec's infos of files of one storage; of many in one folder by listing it.

    what: how errors call a file; key: where its name stands in the configuration.
    """

    def __init__(
        self, system: Any, what: str = "the input shard", key: str = "input.shards"
    ) -> None:
        self._system = system
        self._what = what
        self._key = key

    def infos(self, paths: Mapping[str, str]) -> _Infos:
        """The info of each of `paths`, whose values are their names in errors.

        Raises FairshardError where one does not exist, UnreachableError where it cannot be told.
        """
        listed = self._listed(paths)
        unlisted = [path for path in paths if path not in listed]
        each: Callable[..., Iterable[dict[str, Any]]] = at_once
        if isinstance(self._system, LocalFileSystem):
            each = map
        asked = each(lambda path: self._info(path, paths[path]), unlisted)
        return listed | dict(zip(unlisted, asked, strict=True))

    def with_sizes(self, infos: _Infos) -> _Infos:
        """The same infos; those that a web server's listing gives no size are asked for."""
        unsized = {path: path for path, info in infos.items() if info.get("size") is None}
        return infos | self.infos(unsized) if unsized else infos

    def _listed(self, paths: Iterable[str]) -> _Infos:
        """The infos that listings give: of folders of many `paths`, where they are cheap."""
        if isinstance(self._system, LocalFileSystem):
            return {}
        by_folder: dict[str, set[str]] = {}
        for path in paths:
            if not on_the_web(path):
                by_folder.setdefault(path.rpartition("/")[0], set()).add(path)
        found: _Infos = {}
        for folder, wanted in by_folder.items():
            if len(wanted) >= _WORTH_A_LISTING:
                found |= {path: info for path, info in self._files(folder) if path in wanted}
        return found

    def _files(self, folder: str) -> list[tuple[str, dict[str, Any]]]:
        """What is in a folder; nothing where it may not be listed: its files can be asked for."""
        try:
            entries = self._system.ls(folder, detail=True, refresh=True)
        except Exception:  # storage libraries raise exceptions of their own
            return []
        return [(str(info["name"]), info) for info in entries if info["type"] == "file"]

    def _info(self, path: str, shown: str) -> dict[str, Any]:
        try:
            return dict(self._system.info(path))
        except Exception as error:  # storage libraries raise exceptions of their own
            told = as_told(error, path)
            if isinstance(told, FileNotFoundError):
                raise MissingInputError(
                    f"{self._what} {shown} does not exist: correct {self._key}"
                ) from error
            raise not_looked_up(shown, told, self._what) from None


def not_looked_up(file: str, error: Exception, what: str = "the input shard") -> FairshardError:
    """What to raise where the storage does not tell of a file of the input."""
    return storage_error(
        error,
        f"{what} {file} cannot be looked up: {reason_of(error)}; see to it, then run the "
        "same command again",
    )
