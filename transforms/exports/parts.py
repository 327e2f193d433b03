"""Work on input shards in groups, some at once; a part of a file made of each group.

So memory does not grow with the corpus, and what is killed goes on with the parts that are there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from transforms.exports.records import ExportRecord, MadeFrom
from transforms.exports.target import Target
from transforms.labels.records import LabelRecord
from transforms.labels.tables import labels_digest

_ROWS_OF_PART = 1 << 21
_ROWS_AT_ONCE = 1 << 22
_GROUPS_AT_ONCE = 16

Group = tuple[LabelRecord, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class Filled:
    """What a part holds, and how many of what."""

    content: bytes
    counts: dict[str, int]


@dataclass(frozen=True)
class Parts:
    """The parts of a file that are there, in order of the shards that they are of."""

    workshop: Target
    groups: tuple[Group, ...]
    records: tuple[ExportRecord, ...]

    def count(self, thing: str) -> int:
        """How many of a thing all parts hold."""
        return sum(record.counts.get(thing, 0) for record in self.records)

    def read(self, record: ExportRecord, first: int, last: int) -> bytes:
        """Some bytes of a part."""
        name = self.workshop.name_of(record.name)
        return self.workshop.storage.part(name, first, min(last, record.bytes))

    def blocks(self, size: int) -> Iterator[bytes]:
        """All that they hold, one after another, `size` bytes at a time."""
        for record in self.records:
            for first in range(0, record.bytes, size):
                yield self.read(record, first, first + size)

    def clear(self) -> None:
        """Remove them all: the file is made."""
        self.workshop.settle(())


def made_parts(
    fill: Callable[[Group], Filled], records: Iterable[LabelRecord], plan: str, target: Target
) -> Parts:
    """The parts of a file, made of groups of shards; those of an attempt before are kept.

    `plan` is the identity of the plan that they follow from. Takes the memory of 4,194,304 rows at
    most, or of the largest shard.
    """
    groups, workshop = tuple(_groups(records)), target.workshop
    names = {group[0].shard.name: f"part-{number:05d}" for number, group in enumerate(groups)}
    files = {names[group[0].shard.name]: made_from(plan, group) for group in groups}
    missing = workshop.begin(files)

    def make(group: Group) -> ExportRecord:
        name = names[group[0].shard.name]
        if name in missing:
            filled = fill(group)
            workshop.write(name, filled.content, files[name], filled.counts)
        return workshop.made[name]

    return Parts(workshop, groups, tuple(by_groups(make, groups, target)))


def made_from(plan: str, group: Iterable[LabelRecord]) -> MadeFrom:
    """What a file follows from that is made of the labels of some shards by a plan."""
    return {"the plan": plan, "the labels": labels_digest(group)}


def by_groups(work: Callable[[Group], T], groups: Sequence[Group], target: Target) -> list[T]:
    """What `work` gives for each group, in order; some at once, 4,194,304 rows at most."""
    largest = max((sum(record.samples for record in group) for group in groups), default=0)
    workers = max(1, min(_GROUPS_AT_ONCE, _ROWS_AT_ONCE // max(1, largest)))
    total, done, found = sum(map(len, groups)), 0, []
    with ThreadPoolExecutor(workers) as pool:
        try:
            for group, result in zip(groups, pool.map(work, groups), strict=True):
                found.append(result)
                done += len(group)
                target.step(done, total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def _groups(records: Iterable[LabelRecord]) -> Iterable[Group]:
    """Shards in their order, in groups of 2,097,152 rows at most, or of one shard."""
    group: list[LabelRecord] = []
    rows = 0
    for record in records:
        if group and rows + record.samples > _ROWS_OF_PART:
            yield tuple(group)
            group, rows = [], 0
        group.append(record)
        rows += record.samples
    if group:
        yield tuple(group)
