"""Where a loader's sample comes from: its shard and its key, as the loader says them."""

import shlex
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from transforms.base.errors import FairshardError
from transforms.base.local_paths import local_path
from transforms.base.visible import visible
from transforms.shards.naming import SHARDS, name_of, stem_of

Sample = Any
"""A mapping, or an object with attributes, as the loader makes it."""

Told = Callable[[Sample], str]
"""Tells the shard of a sample, or its key."""

KEY = "__key__"
_SHARDS = ("__url__", "__shard__")
_PIPE = "pipe:"


def shard_of(sample: Sample) -> str:
    """The shard that a sample says it is from: `__url__` (webdataset, datasets) or `__shard__`."""
    return str(_first_of(sample, _SHARDS, "shard"))


def key_of(sample: Sample) -> str:
    """The key of a sample, `__key__`."""
    return str(_first_of(sample, (KEY,), "key"))


@lru_cache(maxsize=1024)
def shard_named(source: str) -> str:
    """The name of the shard at a URL or a path, or that a `pipe:` command of webdataset reads."""
    url = _piped(source.removeprefix(_PIPE)) if source.startswith(_PIPE) else source
    local = url.removeprefix("file://").removeprefix("file:")
    return name_of(url if "://" in local else local_path(local))


def _first_of(sample: Sample, names: tuple[str, ...], what: str) -> Any:
    for name in names:
        value = sample.get(name) if isinstance(sample, Mapping) else getattr(sample, name, None)
        if value is not None:
            return value
    raise FairshardError(
        f"a sample has no {' or '.join(names)}, by which its weight is found: put the weights "
        f"before what takes that away, or say `{what}=`, a function of a sample"
    )


def _piped(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    shards = [word for word in words if SHARDS.names(word)]
    if len({stem_of(name_of(shard)) for shard in shards}) != 1:
        raise FairshardError(
            f"which shard {visible(_PIPE + command)} reads cannot be told: say `shard=`, a "
            "function that tells the URL of a sample's shard"
        )
    return shards[0]
