"""What travels between the workers of a join: descriptors of tasks, and what they leave."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from transforms.tables.counts import TableCounts
from transforms.tables.rows import RowFile

ROWS = "#rows"
"""The column of joined tables that says how many rows a sample has."""


@dataclass(frozen=True, slots=True)
class SampleTable:
    """The recognised samples of one shard, as the join knows them.

    name: the shard's. stem: of its file's name, without `.tar`. digest: of the recognised table.
    """

    name: str
    stem: str
    samples: int
    digest: str


ReadSamples = Callable[[SampleTable, Sequence[str]], pa.Table]
"""Some columns (`key`, `field.<path>`; text) of the recognised table of a shard, in its order."""


@dataclass(frozen=True, slots=True)
class RowTask:
    """Files of a table to bring into buckets; where there are none, only to be looked through.

    part: its number; None is a table all of whose parts are on file already.
    """

    table: str
    digest: str
    part: int | None
    files: tuple[RowFile, ...]
    buckets: int


@dataclass(frozen=True, slots=True)
class SampleTask:
    """A group of shards whose samples' keys to bring into the buckets of each table.

    first: the number of the first shard among all.
    """

    join: str
    group: int
    first: int
    shards: tuple[SampleTable, ...]
    buckets: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MatchTask:
    """A bucket of a table to match with the samples of so many groups of shards."""

    join: str
    table: str
    digest: str
    bucket: int
    groups: int


@dataclass(frozen=True, slots=True)
class ShardMatchTask:
    """A group of shards to match with the files that are named as they are, in the same order."""

    join: str
    table: str
    digest: str
    group: int
    first: int
    shards: tuple[SampleTable, ...]
    files: tuple[tuple[RowFile, ...], ...]


Task = RowTask | SampleTask | MatchTask | ShardMatchTask


@dataclass(frozen=True, slots=True)
class Partition:
    """A table, or a part of it, in hash buckets.

    runs: each part and how many files it is in. types: of each column, as `spelt`; texts: what they
    are typed from is text. keyless: rows without a key, which are in no bucket. buckets is 0 where
    the files are named as the shards are, and were looked through only.
    """

    table: str
    digest: str
    buckets: int
    runs: tuple[tuple[int, int], ...]
    types: tuple[tuple[str, str], ...]
    texts: bool
    keyless: int = 0


@dataclass(frozen=True, slots=True)
class Clash:
    """A key that samples of two shards, by number, have, and a row of a table by it alone."""

    table: str
    key: str
    shards: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Result:
    """What a task tells, beside the files that it wrote."""

    partition: Partition | None = None
    counts: tuple[TableCounts, ...] = ()
    clash: Clash | None = None


@dataclass(frozen=True, slots=True)
class ShardGroup:
    """A group of shards whose samples are matched: a task for whoever writes label tables.

    first: the number of the first shard among all. tables: what is in hash buckets of each.
    """

    join: str
    number: int
    first: int
    shards: tuple[SampleTable, ...]
    tables: tuple[Partition, ...]
