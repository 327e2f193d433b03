"""How a table is joined: shard by shard, or in hash buckets; and the groups of shards."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import xxhash

from transforms.base.counts import first_of
from transforms.base.errors import ConfigError
from transforms.shards.naming import normal_form
from transforms.tables.rows import RowFile, Rows
from transforms.tables.tasks import SampleTable

_FORM = 1
_BUCKET_BYTES = 2**26
_BUCKET_SAMPLES = 2**20
_MOST_BUCKETS = 4096
_EXPANDED = 2
_GROUP_SAMPLES = 2**20
_TASKS = 64
_TASK_BYTES = (2**24, 2**28)
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be done with the files of a table; `buckets` is 0 where each is of one shard."""

    digest: str
    buckets: int
    files: tuple[RowFile, ...]

    def parts(self) -> Iterator[tuple[RowFile, ...]]:
        """The files in parts of some size, each for one task."""
        least, most = _TASK_BYTES
        wanted = min(max(sum(map(_bytes, self.files)) // _TASKS, least), most)
        held: list[RowFile] = []
        size = 0
        for file in self.files:
            size += _bytes(file)
            if held and size > wanted:
                yield tuple(held)
                held, size = [], _bytes(file)
            held.append(file)
        yield tuple(held)


def planned(rows: Rows, shards: Sequence[SampleTable]) -> Planned:
    """How the files of a table are joined with the samples of shards.

    Raises ConfigError where `layout: shards` is asked for, and files are not named so.
    """
    files = rows.files()
    buckets = 0 if _by_shards(rows, files, shards) else _buckets(files, shards)
    versions = [
        [[normal_form(url) for url in file.urls], file.bytes, file.version, file.part, file.parts]
        for file in files
    ]
    key = rows.key.model_dump(mode="json")
    return Planned(digest_of([_FORM, key, rows.identity(), versions, buckets]), buckets, files)


def groups_in(shards: Sequence[SampleTable]) -> list[tuple[int, tuple[SampleTable, ...]]]:
    """Shards in groups, of each the number of its first: about the root of their number, or more.

    A group has a million samples at most, or one shard.
    """
    size = math.isqrt(max(0, len(shards) - 1)) + 1
    groups: list[list[SampleTable]] = []
    samples = 0
    for shard in shards:
        samples += shard.samples
        if not groups or len(groups[-1]) == size or samples > _GROUP_SAMPLES:
            groups.append([])
            samples = shard.samples
        groups[-1].append(shard)
    firsts = accumulate(map(len, groups), initial=0)
    return [(first, tuple(group)) for first, group in zip(firsts, groups, strict=False)]


def digest_of(value: Any) -> str:
    """The xxh3-64 of a JSON value, in hexadecimal."""
    return xxhash.xxh3_64_hexdigest(json.dumps(value, sort_keys=True).encode())


def _by_shards(rows: Rows, files: Sequence[RowFile], shards: Sequence[SampleTable]) -> bool:
    """Whether files are named as the shards are: each shard has one, if that is to be found out."""
    if rows.layout == "any":
        return False
    of_files = [file.name for file in files if file.part == 0]
    of_shards = [shard.stem for shard in shards]
    names, stems = Counter(of_files), Counter(of_shards)
    twice = sorted(name for name, count in (names | stems).items() if count > 1)
    if rows.layout == "auto":
        return not twice and stems.keys() <= names.keys()
    if twice:
        raise ConfigError(
            f"tables.{rows.name}.layout: several files or shards are named "
            f"{first_of(twice, _SHOWN)}: say layout: any, and a key that tells samples apart"
        )
    if not names.keys() & stems.keys():
        raise ConfigError(
            f"tables.{rows.name}.layout: no file is named as a shard is: files are named as "
            f"{files[0].name}, shards as {of_shards[0] if of_shards else 'none'}; say layout: any"
        )
    return True


def _buckets(files: Sequence[RowFile], shards: Sequence[SampleTable]) -> int:
    """As many buckets, a power of two, as make one fit in memory, and enough for many workers."""
    by_rows = _EXPANDED * sum(map(_bytes, files)) / _BUCKET_BYTES
    by_samples = sum(shard.samples for shard in shards) / _BUCKET_SAMPLES
    wanted = min(max(by_rows, by_samples, 1), _MOST_BUCKETS)
    return int(2 ** math.ceil(math.log2(wanted)))


def _bytes(file: RowFile) -> int:
    return file.bytes // file.parts
