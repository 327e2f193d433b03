"""Keys that are unique in a whole output, read back: which sample they are of, and which copy."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import xxhash

_DIGEST_OF_URL = re.compile(r"(.+)--[0-9a-f]{12}")
_COPY = re.compile(r"(?:~([1-9][0-9]*))?--(.+)", re.DOTALL)


class Told(NamedTuple):
    """What a key tells: the key of the sample that it is a copy of, and its number, 0 the first."""

    key: str
    copy: int


def told_by(key: str, beginning: str) -> Told | None:
    """What a key tells that is to begin, in its last part, with that of an input shard."""
    folder, slash, last = key.rpartition("/")
    if not last.startswith(beginning):
        return None
    found = _COPY.fullmatch(last[len(beginning) :])
    return Told(f"{folder}{slash}{found[2]}", int(found[1] or 0)) if found else None


def beginnings(shards: Iterable[str]) -> dict[str, str]:
    """What keys of each input shard are to begin with, by name: its stem, and where others have
    that too, a digest of its name.
    """
    stems = {}
    for shard in shards:
        named = _DIGEST_OF_URL.fullmatch(shard)
        words = re.findall(r"[A-Za-z0-9_]+", named[1] if named else shard)
        stems[shard] = "-".join(words) or "shard"
    often = Counter(stems.values())
    return {
        shard: stem if often[stem] == 1 else f"{stem}--{_digest(shard)}"
        for shard, stem in stems.items()
    }


def _digest(shard: str) -> str:
    return xxhash.xxh3_64_hexdigest(shard.encode())[:12]
