"""The join of tables with the samples of shards: three phases of tasks, and what comes of them.

    rows      files of tables -> hash buckets in Parquet, kept for the next run
    samples   keys of a group of shards -> the same buckets
    matches   a bucket's rows and samples -> for each sample the list of its rows' values

An engine does a phase with `results = map(lambda task: run(task, ...), tasks)` and gives all
results so far for the tasks of the next; then `joined` gives the rows of each group of shards.
Tasks and results are small. All of it may be done again: what is complete on file is not.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from transforms.storage.files import Storage
from transforms.tables.counts import TableCounts
from transforms.tables.rows import RowFile, Rows

ROWS = "rows"
"""The column of `joined` tables that says how many rows a sample has."""

PHASES = 3


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
    """Files of a table to bring into buckets; none where they are only to be looked through."""

    table: str
    digest: str
    number: int
    files: tuple[RowFile, ...]
    buckets: int


@dataclass(frozen=True, slots=True)
class SampleTask:
    """A group of shards whose samples' keys to bring into buckets, for each of the tables."""

    join: str
    group: int
    shards: tuple[SampleTable, ...]
    buckets: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MatchTask:
    """A bucket of a table, or a group of shards with files of their own, to match with samples."""

    table: str
    digest: str
    join: str
    number: int
    groups: int


Task = RowTask | SampleTask | MatchTask


@dataclass(frozen=True, slots=True)
class Result:
    """What a task leaves: all of it is small."""

    counts: TableCounts | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of shards whose samples are matched: a task for whoever writes label tables."""

    join: str
    number: int
    shards: tuple[SampleTable, ...]


def tasks_of(
    phase: int,
    tables: Sequence[Rows],
    shards: Sequence[SampleTable],
    results: Sequence[Result],
    storage: Storage,
) -> list[Task]:
    """The tasks of a phase (0, 1 or 2), by the results of all that came before."""
    raise NotImplementedError


def run(task: Task, tables: Sequence[Rows], read: ReadSamples, storage: Storage) -> Result:
    """Do a task, or find it done."""
    raise NotImplementedError


def groups_of(
    tables: Sequence[Rows],
    shards: Sequence[SampleTable],
    results: Sequence[Result],
    storage: Storage,
) -> list[Group]:
    """The groups of shards to finish once all phases are done.

    Raises StaleError where a bare key is that of samples of two shards, FairshardError where a
    table matches no sample at all.
    """
    raise NotImplementedError


def joined(
    group: Group, tables: Sequence[Rows], storage: Storage
) -> Iterator[tuple[SampleTable, Mapping[str, pa.Table]]]:
    """Each shard of a group, and by name of table a row a sample of it, in the samples' order.

    The column `rows` says how many rows it has in that table; then, for each wanted column, a list
    of their values in the order (URL of the file, number of the row), null where it has none.
    """
    raise NotImplementedError


def forget(groups: Sequence[Group], storage: Storage) -> None:
    """Delete what the phases left between them, once labels are complete; tables stay."""
    raise NotImplementedError
