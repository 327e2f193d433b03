"""Whether input shards are still what they were when they were found."""

from collections.abc import Collection, Iterable
from typing import Any

import fsspec

from transforms.base.differences import in_words
from transforms.base.errors import ChangedInputError, MissingInputError
from transforms.base.redaction import redacted
from transforms.config.sections import Config
from transforms.shards.finding import Shard, one_spelling
from transforms.shards.inputs import input_shards
from transforms.shards.lookups import not_looked_up
from transforms.shards.web_files import as_told
from transforms.storage.files import version_of

CHANGED_MEANWHILE = (
    "while the run went on: run the same command again once nobody writes to the input"
)


def require_unchanged(shard: Shard, storage_options: dict[str, Any]) -> None:
    """Raise ChangedInputError where the shard at its URL is of another size or version by now.

    Where its store tells no version, its size is all that is compared.
    """
    if state_of(shard.url, storage_options) != (shard.bytes, shard.version):
        raise ChangedInputError(f"the shard {shard.url} changed {CHANGED_MEANWHILE}")


def state_of(url: str, storage_options: dict[str, Any], what: str = "shard") -> tuple[int, str]:
    """The size and version of a file of the input by now; FairshardError where it is not told."""
    system, path = fsspec.core.url_to_fs(url, **storage_options)
    try:
        system.invalidate_cache()
        info = system.info(path)
    except Exception as error:  # storage libraries raise exceptions of their own
        told = as_told(error, url)
        if isinstance(told, FileNotFoundError):
            raise MissingInputError(f"the {what} {url} does not exist: restore it") from None
        raise not_looked_up(url, told, f"the input {what}") from None
    return int(info["size"] or 0), version_of(info)


def require_same_input(
    shards: Iterable[Shard], config: Config, besides: Collection[str] = ()
) -> None:
    """Raise ChangedInputError unless the input is just these shards, in these versions, by now.

    And, in whatever version, those `besides`: by name, or by URL, in one spelling and without
    secrets.
    """
    given, others = _by_url(shards), {*besides}
    _forget_listings(given, config.input.storage_options)
    found = {
        url: shard
        for url, shard in _by_url(input_shards(config)).items()
        if shard.name not in others and redacted(url) not in others
    }
    names = {url: shard.name for url, shard in (found | given).items()}
    other = sorted(name for url, name in names.items() if _of(given, url) != _of(found, url))
    if other:
        raise ChangedInputError(f"the input ({in_words(other)}) changed {CHANGED_MEANWHILE}")


def _by_url(shards: Iterable[Shard]) -> dict[str, Shard]:
    return {one_spelling(shard.url): shard for shard in shards}


def _of(shards: dict[str, Shard], url: str) -> tuple[int, str] | None:
    shard = shards.get(url)
    return None if shard is None else (shard.bytes, shard.version)


def _forget_listings(urls: Iterable[str], storage_options: dict[str, Any]) -> None:
    """Let file systems forget what they know of files: it is of the run's begin."""
    one_of_each_store = {"/".join(url.split("/")[:3]): url for url in urls}
    for url in one_of_each_store.values():
        fsspec.core.url_to_fs(url, **storage_options)[0].invalidate_cache()
