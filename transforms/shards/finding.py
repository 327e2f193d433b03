"""Input shards: finding them, and telling one version of a shard from another."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import fsspec

from transforms.base.errors import ConfigError, FairshardError, reason_of
from transforms.config.sections import Input
from transforms.config.shard_patterns import alternatives, literal, paths_of
from transforms.shards.left_out import (
    FOLDER,
    OF_OUTPUT,
    OTHER_NAME,
    TWICE,
    LeftOut,
    in_words,
    left_out,
)
from transforms.shards.listing import matching_files
from transforms.shards.lookups import Lookup, not_looked_up
from transforms.shards.naming import SHARDS, TABLES, FileKind, name_of, normal_form
from transforms.storage.files import version_of

Infos = dict[str, dict[str, Any]]
"""fsspec's info of files, by path."""

Outside = Callable[[Any, Infos], Infos]


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One input shard: a unique name, its URL, its size in bytes and its version.

    The size is 0 where the storage does not tell it. The version is the store's etag or, failing
    that, the modification time.
    """

    name: str
    url: str
    bytes: int
    version: str


@dataclass(frozen=True, slots=True)
class Found:
    """The shards of an input, sorted by name, and what its patterns matched besides."""

    shards: tuple[Shard, ...]
    left_out: tuple[LeftOut, ...]


def _all_of(_: Any, infos: Infos) -> Infos:
    return infos


def find_shards(source: Input, outside: Outside = _all_of) -> tuple[Shard, ...]:
    """The shards that the patterns of `source` name, sorted by name; as `found_in`."""
    return found_in(source, outside).shards


def found_in(source: Input, outside: Outside = _all_of) -> Found:
    """The shards that the patterns of `source` name, each once, and what is left out.

    `outside` tells, of the files that a pattern matches on a file system, which are taken. Raises
    FairshardError where a pattern names nothing, a shard is missing, or what was named by hand is
    no shard; UnreachableError where the storage does not tell.
    """
    kind = TABLES if source.tables else SHARDS
    search = _Search(Systems(source.storage_options, kind.key), outside, kind)
    for pattern in source.patterns:
        for piece in alternatives(pattern, kind.key):
            search.find(piece)
    kept, again = _once(search.infos)
    taken = kept.keys() | _folders_of(kept)
    others = {url: why for url, why in search.others.items() if url not in taken or why == TWICE}
    shards = [
        Shard(name_of(url), url, int(info["size"] or 0), version_of(info))
        for url, info in kept.items()
    ]
    return Found(tuple(sorted(shards)), left_out(others | again))


@dataclass(frozen=True)
class _Search:
    """What patterns have matched so far: infos of shards, and why others are none, by URL."""

    systems: "Systems"
    outside: Outside
    kind: FileKind
    infos: Infos = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)

    def find(self, pattern: str) -> None:
        """Take in what one pattern, braces and globs in it, matches."""
        named: dict[int, tuple[Any, dict[str, str]]] = {}
        for path in paths_of(pattern, self.kind.key):
            system, inner = self.systems.of(path)
            plain = literal(inner)
            if plain is None and not self._matched(system, inner, path):
                plain = inner
            if plain is not None:
                named.setdefault(id(system), (system, {}))[1][plain] = path
        for system, paths in named.values():
            for path, info in self._named(self._lookup(system).infos(paths), paths).items():
                self._take(system, {path: info})

    def _matched(self, system: Any, glob: str, shown: str) -> bool:
        """Take in what a glob matches; False where it is itself the name of a file."""
        found = matching_files(system, glob, self.kind.key)
        files = {path: info for path, info in found.files.items() if self.kind.names(path)}
        others = found.others | dict.fromkeys(found.files.keys() - files.keys(), OTHER_NAME)
        if not files:
            if self.kind.names(glob) and _exists(system, glob):
                return False
            raise FairshardError(
                f"no {self.kind.thing} ({self.kind.allowed}) matches {shown}: correct "
                f"{self.kind.key}{_hint(shown, others, self.kind)}"
            )
        self.others.update((_unstripped(system, path), why) for path, why in others.items())
        self._take(system, self._lookup(system).with_sizes(files))
        return True

    def _lookup(self, system: Any) -> Lookup:
        return Lookup(system, f"the input {self.kind.thing}", self.kind.key)

    def _named(self, infos: Infos, shown: Mapping[str, str]) -> Infos:
        """The infos of files that were named without a glob; FairshardError where one is none."""
        key, thing = self.kind.key, self.kind.thing
        for path, info in infos.items():
            if info["type"] == "directory":
                raise FairshardError(
                    f"{key}: {shown[path]} is a folder: write "
                    f"{shown[path].rstrip('/')}/*{self.kind.extensions[0]} for the {thing}s in it"
                )
            if info["type"] != "file":
                raise FairshardError(f"{key}: {shown[path]} is not a file: leave it out")
            if not self.kind.names(path):
                raise FairshardError(
                    f"{key}: {shown[path]} is not named as a {thing}: its name must end in "
                    f"{self.kind.allowed}"
                )
        return infos

    def _take(self, system: Any, files: Infos) -> None:
        outside = self.outside(system, files)
        for path in files.keys() - outside.keys():
            self.others[_unstripped(system, path)] = OF_OUTPUT
        taken = {url_of(system, path): info for path, info in outside.items()}
        self.others.update(dict.fromkeys(taken.keys() & self.infos.keys(), TWICE))
        self.infos.update(taken)


def _folders_of(urls: Iterable[str]) -> set[str]:
    """The folders that the files are in, and all that are around these."""
    found: set[str] = set()
    coming = {url.rpartition("/")[0] for url in urls}
    while coming:
        found |= coming
        coming = {folder.rpartition("/")[0] for folder in coming} - found
    return found


def _hint(pattern: str, others: Mapping[str, str], kind: FileKind) -> str:
    """What else to write, where a pattern matches other things."""
    if FOLDER in others.values():
        within = f"{pattern.rstrip('/')}/*{kind.extensions[0]}"
        return f", which matches folders: write {within} for what is in them"
    if others:
        return f"; {in_words(left_out(others))}"
    return "; [[] stands for a [ in a name" if "[" in pattern and "[[]" not in pattern else ""


def _exists(system: Any, path: str) -> bool:
    """Whether there is a file of this name, its brackets and stars being no pattern."""
    try:
        return bool(system.isfile(path))
    except Exception:  # storage libraries raise exceptions of their own
        return False


def _unstripped(system: Any, path: str) -> str:
    return str(system.unstrip_protocol(path)).removeprefix("file://")


def url_of(system: Any, path: str, what: str = "input shard") -> str:
    """The URL of a file, in one spelling; FairshardError where its name is not UTF-8.

    `what` errors call it.
    """
    url = _unstripped(system, path)
    try:
        url.encode()
    except UnicodeEncodeError:
        shown = url.encode("utf-8", "backslashreplace").decode()
        raise FairshardError(
            f"the name of the {what} {shown} is not UTF-8: rename the file"
        ) from None
    return one_spelling(url)


def one_spelling(url: str) -> str:
    """A local path without `.`, `..` and empty parts, links kept; any other URL as it is."""
    if "://" in url:
        return url
    folder, _, name = url.rpartition("/")
    return normal_form(f"{os.path.realpath(folder)}/{name}" if "/../" in url else url)


def _once(infos: Infos) -> tuple[Infos, dict[str, str]]:
    """Each file once, under its own path rather than one with a link; and those left out."""
    real: Callable[[str], str] = cache(os.path.realpath)

    def file_of(url: str) -> str:
        if "://" in url:
            return normal_form(url)
        folder, _, name = url.rpartition("/")
        return real(url) if infos[url].get("islink") else normal_form(f"{real(folder)}/{name}")

    files = {url: file_of(url) for url in infos}
    first: dict[str, str] = {}
    for url in sorted(infos, key=lambda url: (url != files[url], url)):
        first.setdefault(files[url], url)
    kept = {url: infos[url] for url in first.values()}
    return kept, dict.fromkeys(infos.keys() - kept.keys(), TWICE)


class Systems:
    """The file systems of paths, each made once for a scheme and host; `key` names the paths."""

    def __init__(self, options: Mapping[str, Any], key: str = "input.shards") -> None:
        self._options = options
        self._key = key
        self._known: dict[tuple[str, ...], Any] = {}

    def of(self, path: str) -> tuple[Any, str]:
        """The file system of `path`, and its path there."""
        host = tuple(path.split("/", 3)[:3]) if "://" in path else ()
        if host in self._known:
            system = self._known[host]
            return system, str(system._strip_protocol(path))
        try:
            system, inner = fsspec.core.url_to_fs(path, **self._options)
        except (ValueError, ImportError) as error:
            raise ConfigError(f"{self._key}: {path} cannot be read: {reason_of(error)}") from error
        except Exception as error:  # storage libraries raise exceptions of their own
            raise not_looked_up(path, error) from None
        if "::" not in path:
            self._known[host] = system
        return system, str(inner)
