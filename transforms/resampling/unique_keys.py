"""Keys that no two samples of an output share, from the input alone.

Before the last part of a sample's key comes the stem of its input shard, and a repeat's number:
`00000--000000012`, then `00000~1--000000012`. A stem holds neither two hyphens in a row nor a `~`,
and ends with no hyphen: so what stands before the first two hyphens tells stem and copy, what
follows is the key. Of shards that have one stem, a digest of as many digits comes before the key.
"""

import re
from collections import Counter
from collections.abc import Iterable

import xxhash

from transforms.shards.naming import stem_of

_OTHERS = re.compile(r"[^A-Za-z0-9_]+")
_DIGEST = 12


def key_prefixes(shards: Iterable[str]) -> dict[str, str]:
    """What the keys of each input shard begin with, by its name, of all shards of an input.

    That is the shard's stem, so that a corpus that moves keeps its keys; where several have one
    stem, with a digest of the name.
    """
    stems = {shard: _plain(stem_of(shard)) for shard in shards}
    alike = Counter(stems.values())
    return {
        shard: stem if alike[stem] == 1 else f"{stem}--{_digest(shard)}"
        for shard, stem in stems.items()
    }


def unique_key(key: str, repeat: int, prefix: str) -> str:
    """The key of a copy of a sample, whose `repeat` is 0 for the first, then 1, 2, ..."""
    folder, slash, last = key.rpartition("/")
    copy = f"~{repeat}" if repeat else ""
    return f"{folder}{slash}{prefix}{copy}--{last}"


def _plain(stem: str) -> str:
    """A stem without the dots that would end a key, and hyphens that are to mark its end."""
    return _OTHERS.sub("-", stem).strip("-") or "shard"


def _digest(shard: str) -> str:
    return xxhash.xxh3_64_hexdigest(shard.encode())[:_DIGEST]
