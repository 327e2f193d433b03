"""Input shards: finding them, naming them, and telling one version of a shard from another."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import fsspec
from braceexpand import braceexpand

from transforms.config import Input
from transforms.errors import FairshardError, UnreachableError, reason_of
from transforms.listing import matching_files
from transforms.redaction import redacted
from transforms.storage import version_of

_EXTENSION = re.compile(r"\.(tar\.gz|tgz|tar)$")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One input shard: a unique name, its URL, its size in bytes and its version.

    The version is the store's etag or, failing that, the modification time.
    """

    name: str
    url: str
    bytes: int
    version: str


def find_shards(source: Input) -> tuple[Shard, ...]:
    """The shards that the patterns of `source` name, sorted by name.

    Raises FairshardError where a pattern names nothing, or a shard is missing; UnreachableError
    where the storage does not tell.
    """
    infos: dict[str, dict[str, Any]] = {}
    for pattern in source.shards:
        infos.update(_matching(pattern, source.storage_options))
    names = unique_names(sorted(infos))
    shards = [
        Shard(name, url, int(infos[url]["size"]), version_of(infos[url]))
        for url, name in names.items()
    ]
    return tuple(sorted(shards, key=lambda shard: shard.name))


def unique_names(urls: list[str]) -> dict[str, str]:
    """A name for each URL: the shortest tail of its path that tells all apart, '__' for '/'."""
    tails = {url: _EXTENSION.sub("", redacted(url)).split("/") for url in urls}
    deepest = max(map(len, tails.values()), default=0)
    for depth in range(1, deepest + 1):
        names = {url: "__".join(tail[-depth:]) for url, tail in tails.items()}
        if len(set(names.values())) == len(urls):
            return names
    repeated = Counter(_EXTENSION.sub("", url) for url in urls).most_common(1)[0][0]
    raise FairshardError(
        f"two input shards would share the name {repeated}: rename one, or leave one out of "
        "input.shards"
    )


def _matching(pattern: str, options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    try:
        expanded = list(braceexpand(pattern))
    except ValueError as error:
        raise FairshardError(f"input.shards: the braces in {pattern} are not balanced") from error
    found: dict[str, dict[str, Any]] = {}
    for path in expanded:
        system, inner = fsspec.core.url_to_fs(path, **options)
        try:
            if _GLOB.search(inner):
                entries = matching_files(system, inner)
            else:
                entries = {inner: system.info(inner)}
        except FileNotFoundError as error:
            raise FairshardError(
                f"the input shard {path} does not exist: correct input.shards"
            ) from error
        except FairshardError:
            raise
        except Exception as error:  # storage libraries raise exceptions of their own
            raise UnreachableError(
                f"the input shard {path} cannot be looked up: {reason_of(error)}; see to it, then "
                "run the same command again"
            ) from None
        found |= {
            system.unstrip_protocol(name).removeprefix("file://"): info
            for name, info in entries.items()
            if info["type"] == "file" and _EXTENSION.search(name)
        }
    if not found:
        raise FairshardError(
            f"no shard (.tar, .tar.gz or .tgz) matches {pattern}: correct input.shards"
        )
    return found
