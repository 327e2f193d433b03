"""Where a sample lies in its shard, and reading it again from there alone."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fsspec

from transforms.base.errors import FairshardError
from transforms.config.sections import Input
from transforms.shards.file_kinds import Compression
from transforms.shards.finding import Shard
from transforms.shards.samples import Sample, open_tar, read_samples

_MOST_BYTES = 32 * 2**20
_MOST_UNZIPPED = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Location:
    """A sample's key and byte range in its (decompressed) shard.

    compression: the shard's; None where that is not known.
    """

    shard: Shard
    compression: Compression | None
    key: str
    offset: int
    size: int


def read_again(where: Location, source: Input, options: Mapping[str, Any]) -> Sample:
    """The sample, its byte range alone being read; FairshardError where it is not there.

    `options` are the file system's. Raises what storage libraries raise.
    """
    if where.size > _MOST_BYTES:
        raise FairshardError("too large to show")
    entries = read_samples(io.BytesIO(_range(where, dict(options))), source.members, source.limits)
    found = next((entry for entry in entries if isinstance(entry, Sample)), None)
    if found is None or found.key != where.key:
        raise FairshardError(f"the shard {where.shard.url} changed after it was labelled")
    return found


def _range(where: Location, options: dict[str, Any]) -> bytes:
    url, offset, size = where.shard.url, where.offset, where.size
    if where.compression == "":
        system, path = fsspec.core.url_to_fs(url, **options)
        return bytes(system.cat_file(path, start=offset, end=offset + size))
    if offset > _MOST_UNZIPPED:
        raise FairshardError("too deep in a compressed shard to show")
    with open_tar(url, options) as stream:
        stream.seek(offset)
        return stream.read(size)
