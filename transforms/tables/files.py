"""The files that patterns of a table name: found on any fsspec storage, opened, unchanged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from transforms.base.counts import first_of
from transforms.base.errors import ChangedInputError, ConfigError, MissingInputError
from transforms.config.shard_patterns import alternatives, literal, paths_of
from transforms.shards.file_kinds import Compression
from transforms.shards.finding import Systems, url_of
from transforms.shards.left_out import NO_FILE
from transforms.shards.listing import matching_files
from transforms.shards.lookups import Lookup
from transforms.shards.naming import path_of
from transforms.shards.streams import open_tar
from transforms.shards.unchanged import CHANGED_MEANWHILE, state_of
from transforms.storage.files import version_of

WHAT = "table file"
_SHOWN = 3


@dataclass(frozen=True, slots=True, order=True)
class FoundFile:
    """A file as it was when it was found: its size in bytes and its version, as of shards."""

    url: str
    bytes: int
    version: str


def found_files(
    key: str,
    patterns: Sequence[str],
    options: Mapping[str, Any],
    takes: Callable[[str], bool],
    endings: Sequence[str] = (),
) -> tuple[FoundFile, ...]:
    """The files that the patterns under `key` name, each once, sorted by URL.

    `takes` tells by its name whether a file is of a kind that is read; where only names with some
    `endings` are, these are said. Raises ConfigError where a
    pattern names nothing, or what is none such; MissingInputError and UnreachableError as shards.
    """
    systems, found = Systems(options, key), dict[str, dict[str, Any]]()
    for pattern in patterns:
        for piece in alternatives(pattern, key):
            named: dict[int, tuple[Any, dict[str, str]]] = {}
            for path in paths_of(piece, key):
                system, inner = systems.of(path)
                plain = literal(inner)
                if plain is None:
                    for each, info in _matched(system, inner, key, path, takes, endings).items():
                        found[url_of(system, each, WHAT)] = info
                else:
                    named.setdefault(id(system), (system, {}))[1][plain] = path
            for system, paths in named.values():
                for each, info in Lookup(system, f"the {WHAT}", key).infos(paths).items():
                    _check(info, key, paths[each], takes, endings)
                    found[url_of(system, each, WHAT)] = info
    files = (
        FoundFile(url, int(info["size"] or 0), version_of(info)) for url, info in found.items()
    )
    return tuple(sorted(files))


@contextmanager
def opened(
    url: str, options: dict[str, Any], size: int, compression: Compression | None = None
) -> Iterator[IO[bytes]]:
    """A buffered stream of a file, as `open_tar` gives it; `compression` "" reads it as it is."""
    with open_tar(url, options, size=size, compression=compression, what=f"the {WHAT}") as stream:
        yield stream


def require_unchanged_file(file: FoundFile, options: dict[str, Any]) -> None:
    """Raise ChangedInputError where a file is of another size or version by now."""
    if state_of(file.url, options, WHAT) != (file.bytes, file.version):
        raise ChangedInputError(f"the {WHAT} {file.url} changed {CHANGED_MEANWHILE}")


def file_name(url: str) -> str:
    """The name of a file, without its folders and a query."""
    return path_of(url).rsplit("/", 1)[-1]


def _matched(
    system: Any,
    glob: str,
    key: str,
    shown: str,
    takes: Callable[[str], bool],
    endings: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """What a glob matches, but for what engines leave beside tables, such as _SUCCESS."""
    matches = matching_files(system, glob, key)
    files = {path: info for path, info in matches.files.items() if takes(file_name(path))}
    others = [path for path in matches.files if path not in files]
    strange = [path for path in others if not file_name(path).startswith("_")]
    if strange:
        raise ConfigError(
            f"{key}: {shown} matches {first_of(strange, _SHOWN)}, which {_unlike(endings)}: narrow "
            f"the pattern{'' if endings else ', or say what the files are'}"
        )
    if lost := [path for path, why in matches.others.items() if why == NO_FILE]:
        raise MissingInputError(
            f"{key}: {shown} matches {first_of(lost, _SHOWN)}, which is no file, or a link to what "
            "does not exist: restore it, or remove the link"
        )
    if not files:
        folders = " but folders: name the files in them" if matches.others else ""
        raise ConfigError(f"{key}: {shown} matches no file{folders or ': correct it'}")
    return Lookup(system, f"the {WHAT}", key).with_sizes(files)


def _check(
    info: Mapping[str, Any],
    key: str,
    shown: str,
    takes: Callable[[str], bool],
    endings: Sequence[str],
) -> None:
    if info["type"] == "directory":
        files = f"{shown.rstrip('/')}/*{endings[0] if endings else '.parquet'}"
        raise ConfigError(f"{key}: {shown} is a folder: name the files in it, as {files}")
    if not takes(file_name(shown)):
        remedy = "" if endings else "give its format, or "
        raise ConfigError(f"{key}: {shown} {_unlike(endings)}: {remedy}correct the name")


def _unlike(endings: Sequence[str]) -> str:
    """What is wrong with the name of a file that is of no kind that is read."""
    if endings:
        return f"does not end in {' or '.join(endings)}"
    return "is not named as a table is"
