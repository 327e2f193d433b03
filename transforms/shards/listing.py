"""The files that a pattern matches on any fsspec storage, and nothing left out in silence.

As in a shell, `*`, `?` and `[...]` match no hidden name, and links are followed; `**` is any number
of folders. fsspec's own glob goes on where a folder cannot be listed: what is in it would be
missing from a run, and nobody would know.
"""

import fnmatch
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from transforms.base.errors import MissingInputError, reason_of, storage_error
from transforms.base.redaction import redacted
from transforms.config.shard_patterns import literal
from transforms.shards.left_out import FOLDER, HIDDEN, NO_FILE
from transforms.shards.lookups import not_looked_up
from transforms.shards.naming import SHARDS, TABLES

_ANY_DEPTH = "**"


@dataclass(frozen=True, slots=True)
class Matches:
    """fsspec's info of each file that was matched, and why others were not taken, by path."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder whose content is matched with `segments`; whether a link is on the way to it."""

    path: str
    segments: tuple[str, ...]
    linked: bool


def matching_files(system: Any, pattern: str, key: str = "input.shards") -> Matches:
    """What `pattern`, a glob that stands under `key`, matches.

    Raises UnreachableError where a folder on the way cannot be listed, FairshardError where a link
    that is named as a shard leads nowhere.
    """
    base, segments = _split(pattern)
    local = isinstance(system, LocalFileSystem)
    found, seen = Matches(), set[tuple[str, tuple[str, ...]]]()
    visited: set[str] = set()
    coming = deque([_Folder(base, segments, linked=False)])
    while coming:
        folder = coming.popleft()
        real = os.path.realpath(folder.path) if local else folder.path
        if (real, folder.segments) in seen:
            continue
        seen.add((real, folder.segments))
        visited.add(folder.path)
        for deeper in _match(system, folder, found, key):
            (coming.append if deeper.linked else coming.appendleft)(deeper)
    for path in {*found.files, *visited}:
        found.others.pop(path, None)
    return found


def _split(pattern: str) -> tuple[str, tuple[str, ...]]:
    """The folder that a pattern begins in, and the segments from there."""
    segments = pattern.split("/")
    fixed = 0
    while literal(segments[fixed]) is not None:
        segments[fixed] = literal(segments[fixed]) or ""
        fixed += 1
    return "/".join(segments[:fixed]) or "/", tuple(s for s in segments[fixed:] if s)


def _match(system: Any, folder: _Folder, found: Matches, key: str) -> Iterator[_Folder]:
    """Take in the files of `folder` that match; the folders in it that are to be matched."""
    segment, *rest = folder.segments
    if segment == _ANY_DEPTH and rest:
        yield _Folder(folder.path, tuple(rest), folder.linked)
    name = literal(segment)
    for path, listed in _listed(system, folder.path, key):
        own = path.rsplit("/", 1)[-1]
        matches = segment == _ANY_DEPTH or (
            own == name if name is not None else fnmatch.fnmatchcase(own, segment)
        )
        if not matches:
            continue
        if own.startswith(".") and not segment.startswith(".") and name is None:
            if not (rest and listed["type"] == "file"):
                found.others[path] = HIDDEN
            continue
        info = _followed(system, path, listed, key)
        linked = folder.linked or bool(info.get("islink"))
        if info["type"] == "directory":
            deeper = folder.segments if segment == _ANY_DEPTH else tuple(rest)
            if deeper:
                yield _Folder(path, deeper, linked)
            else:
                found.others.setdefault(path, FOLDER)
        elif not rest and info["type"] == "file":
            found.files[path] = info
        elif not rest:
            found.others[path] = NO_FILE


def _followed(system: Any, path: str, listed: dict[str, Any], key: str) -> dict[str, Any]:
    """The info of what is at `path`: of the target, where it is a link."""
    kind = next((kind for kind in (SHARDS, TABLES) if kind.key == key), None)
    if listed["type"] in ("file", "directory") and not listed.get("islink"):
        return listed
    try:
        return {**system.info(path), "islink": True}
    except OSError as error:
        if kind is None or not kind.names(path):
            return listed
        if isinstance(error, FileNotFoundError):
            raise MissingInputError(
                f"the input {kind.thing} {path} is a link to what does not exist: restore "
                f"{listed.get('destination') or 'it'}, or remove the link"
            ) from None
        raise not_looked_up(path, error) from None


def _listed(system: Any, folder: str, key: str) -> list[tuple[str, dict[str, Any]]]:
    """The names and infos of what is in `folder`; none where there is no such folder."""
    try:
        found = system.ls(folder, detail=True, refresh=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except Exception as error:  # storage libraries raise exceptions of their own
        raise storage_error(
            error,
            f"{key}: the folder {redacted(folder)} cannot be listed: {reason_of(error)}; "
            "see to it, then run the same command again",
        ) from None
    entries = ((str(info["name"]).rstrip("/"), info) for info in found)
    return [(path, info) for path, info in sorted(entries, key=_path) if path != folder.rstrip("/")]


def _path(entry: tuple[str, dict[str, Any]]) -> str:
    return entry[0]
