"""Input shards: finding them, and telling one version of a shard from another."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import fsspec

from transforms.config import Input
from transforms.errors import ConfigError, FairshardError, UnreachableError, reason_of
from transforms.left_out import FOLDER, OTHER_NAME, TWICE, LeftOut, in_words, left_out
from transforms.listing import matching_files
from transforms.lookups import Lookup
from transforms.patterns import alternatives, literal, paths_of
from transforms.shard_names import ALLOWED, is_shard, name_of, normal_form
from transforms.storage import version_of

_Infos = dict[str, dict[str, Any]]


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


def find_shards(source: Input) -> tuple[Shard, ...]:
    """The shards that the patterns of `source` name, sorted by name; as `found_in`."""
    return found_in(source).shards


def found_in(source: Input) -> Found:
    """The shards that the patterns of `source` name, each once, and what is left out.

    Raises FairshardError where a pattern names nothing, a shard is missing, or what was named by
    hand is no shard; UnreachableError where the storage does not tell.
    """
    infos: _Infos = {}
    others: dict[str, str] = {}
    for pattern in source.shards:
        for piece in alternatives(pattern):
            _find(piece, source.storage_options, infos, others)
    kept, again = _once(infos)
    others = {url: why for url, why in others.items() if url not in kept or why == TWICE} | again
    shards = [
        Shard(name_of(url), url, int(kept[url]["size"] or 0), version_of(kept[url])) for url in kept
    ]
    return Found(tuple(sorted(shards)), left_out(others))


def _find(pattern: str, options: Mapping[str, Any], infos: _Infos, others: dict[str, str]) -> None:
    """Take in what one pattern, braces and globs in it, matches."""
    systems = _Systems(options)
    named: dict[str, tuple[Any, str]] = {}
    matched: _Infos = {}
    besides: dict[str, str] = {}
    for path in paths_of(pattern):
        system, inner = systems.of(path)
        plain = literal(inner)
        if plain is not None:
            named[path] = (system, plain)
            continue
        matches = matching_files(system, inner)
        files = {p: info for p, info in matches.files.items() if is_shard(p)}
        if not files and is_shard(inner) and _exists(system, inner):
            named[path] = (system, inner)
            continue
        aside = matches.others | dict.fromkeys(matches.files.keys() - files.keys(), OTHER_NAME)
        besides |= {_unstripped(system, p): why for p, why in aside.items()}
        matched |= {_url(system, p): info for p, info in Lookup(system).with_sizes(files).items()}
    matched |= _looked_up(named)
    if not matched:
        raise FairshardError(
            f"no shard ({ALLOWED}) matches {pattern}: correct input.shards{_hint(pattern, besides)}"
        )
    others |= besides | dict.fromkeys(matched.keys() & infos.keys(), TWICE)
    infos |= matched


def _hint(pattern: str, besides: Mapping[str, str]) -> str:
    """What else to write, where a pattern matches other things."""
    folders = [path for path, reason in besides.items() if reason == FOLDER]
    if folders:
        return f", which matches folders: write {pattern.rstrip('/')}/*.tar for what is in them"
    if besides:
        return f"; {in_words(left_out(besides))}"
    return "; [[] stands for a [ in a name" if "[" in pattern and "[[]" not in pattern else ""


def _looked_up(named: Mapping[str, tuple[Any, str]]) -> _Infos:
    """The infos, by URL, of the files that were named without a glob."""
    by_system: dict[int, tuple[Any, dict[str, str]]] = {}
    for path, (system, inner) in named.items():
        by_system.setdefault(id(system), (system, {}))[1][inner] = path
    found: _Infos = {}
    for system, paths in by_system.values():
        for inner, info in Lookup(system).infos(paths).items():
            if info["type"] == "directory":
                raise FairshardError(
                    f"input.shards: {paths[inner]} is a folder: write "
                    f"{paths[inner].rstrip('/')}/*.tar for the shards in it"
                )
            if info["type"] != "file":
                raise FairshardError(f"input.shards: {paths[inner]} is not a file: leave it out")
            if not is_shard(inner):
                raise FairshardError(
                    f"input.shards: {paths[inner]} is not named as a shard: its name must end in "
                    f"{ALLOWED}"
                )
            found[_url(system, inner)] = info
    return found


def _exists(system: Any, path: str) -> bool:
    """Whether there is a file of this name, its brackets and stars being no pattern."""
    try:
        return bool(system.isfile(path))
    except Exception:  # storage libraries raise exceptions of their own
        return False


def _unstripped(system: Any, path: str) -> str:
    return str(system.unstrip_protocol(path)).removeprefix("file://")


def _url(system: Any, path: str) -> str:
    """The URL of a file, in one spelling; FairshardError where its name is not UTF-8."""
    url = _unstripped(system, path)
    try:
        url.encode()
    except UnicodeEncodeError:
        shown = url.encode("utf-8", "backslashreplace").decode()
        raise FairshardError(
            f"the name of the input shard {shown} is not UTF-8: rename the file"
        ) from None
    return one_spelling(url)


def one_spelling(url: str) -> str:
    """A local path without `.`, `..` and empty parts, links kept; any other URL as it is."""
    if "://" in url:
        return url
    folder, _, name = url.rpartition("/")
    return normal_form(f"{os.path.realpath(folder)}/{name}" if "/../" in url else url)


def _once(infos: _Infos) -> tuple[_Infos, dict[str, str]]:
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


class _Systems:
    """The file systems of paths, each made once for a scheme and host."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
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
            raise ConfigError(f"input.shards: {path} cannot be read: {reason_of(error)}") from error
        except Exception as error:  # storage libraries raise exceptions of their own
            raise UnreachableError(
                f"the input shard {path} cannot be looked up: {reason_of(error)}; see to it, then "
                "run the same command again"
            ) from None
        if "::" not in path:
            self._known[host] = system
        return system, str(inner)
