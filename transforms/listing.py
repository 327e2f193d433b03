"""The files that a pattern matches on any fsspec storage, and no folder left out in silence.

fsspec's own glob goes on where a folder cannot be listed: what is in it would be missing from a
run, and nobody would know.
"""

import fnmatch
from collections.abc import Iterator, Sequence
from typing import Any

from transforms.errors import UnreachableError, reason_of
from transforms.redaction import redacted

_MAGIC = frozenset("*?[")


def matching_files(system: Any, pattern: str) -> dict[str, dict[str, Any]]:
    """Name and fsspec's info of each file that `pattern` matches; ** is any number of folders.

    Raises UnreachableError where a folder on the way cannot be listed.
    """
    segments = pattern.split("/")
    fixed = next(at for at, segment in enumerate(segments) if _MAGIC & set(segment))
    base = "/".join(segments[:fixed]) or "/"
    return dict(_matching(system, base, segments[fixed:]))


def _matching(
    system: Any, folder: str, segments: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    segment, rest = segments[0], segments[1:]
    if segment == "**" and rest:
        yield from _matching(system, folder, rest)
    for name, info in _listed(system, folder):
        matches = segment == "**" or fnmatch.fnmatchcase(name.rsplit("/", 1)[-1], segment)
        if matches and info["type"] == "directory":
            deeper = segments if segment == "**" else rest
            if deeper:
                yield from _matching(system, name, deeper)
        elif matches and not rest:
            yield name, info


def _listed(system: Any, folder: str) -> list[tuple[str, dict[str, Any]]]:
    """The names and infos of what is in `folder`; none where there is no such folder."""
    try:
        found = system.ls(folder, detail=True, refresh=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except Exception as error:  # storage libraries raise exceptions of their own
        raise UnreachableError(
            f"input.shards: the folder {redacted(folder)} cannot be listed: {reason_of(error)}; "
            "see to it, then run the same command again"
        ) from None
    return [(str(info["name"]).rstrip("/"), info) for info in found if info["name"] != folder]
