"""Where each sample of a tar begins, as Megatron-Energon's `.tar.idx` files say it."""

import re
from array import array
from pathlib import PurePosixPath
from typing import IO

from transforms.shards.headers import REGULAR, Cursor, read_member

_NAME = re.compile(r"((?:.*/|)[^.]+)[.]([^/]*)")
_PASSED_OVER = re.compile(r"__[^/]*__($|/)")


def index_name(shard: str) -> str:
    """The name of a shard's index, which lies beside it."""
    return f"{PurePosixPath(shard).name}.idx"


def sample_offsets(stream: IO[bytes]) -> "array[int]":
    """Where each sample of the tar in `stream` begins, and where the last one ends.

    Samples are told apart as Energon does: by what comes before the first dot of a member's last
    name. Headers are read, and payloads passed over.
    """
    offsets, key, end = array("Q"), None, 0
    cursor = Cursor(stream)
    while (member := read_member(cursor)) is not None:
        name = member.name.decode("utf-8", "surrogateescape")
        found = _NAME.fullmatch(name)
        regular = member.kind in REGULAR and not _PASSED_OVER.match(name)
        if regular and found and found[1] != key:
            offsets.append(member.offset)
            key = found[1]
        cursor.skip(member.end - cursor.position)
        end = member.end
    offsets.append(end)
    return offsets


def index_bytes(offsets: "array[int]") -> bytes:
    """The content of an index: offsets of eight bytes each, the least significant first."""
    return offsets.tobytes()
