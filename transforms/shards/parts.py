"""Parts of large shards, which workers label apart."""

from dataclasses import dataclass

from transforms.config.sections import Input
from transforms.shards.finding import Shard

WHOLE = range(2**63)
NOTHING = range(0)


@dataclass(frozen=True, slots=True)
class Part:
    """The samples of a shard that begin in `span` (bytes); part `index` of `count`."""

    shard: Shard
    index: int
    count: int
    span: range


def parts_of(shard: Shard, source: Input) -> tuple[Part, ...]:
    """The parts of `shard`: one for each `part_bytes` of it.

    The cuts depend on the shard alone, so that batches, and with them the labels, are the same
    whoever labels the parts. Of a shard that turns out to be compressed, `read_by` says more.
    """
    size = source.part_bytes
    count = max(1, -(-shard.bytes // size))
    starts = [index * size for index in range(count)]
    ends = [*starts[1:], WHOLE.stop]
    return tuple(
        Part(shard, index, count, range(start, end))
        for index, (start, end) in enumerate(zip(starts, ends, strict=True))
    )


def read_by(part: Part, compressed: bool) -> range:
    """Where the samples begin that `part` labels.

    A compressed shard is read from its beginning: its first part is all of it.
    """
    if not compressed:
        return part.span
    return WHOLE if part.index == 0 else NOTHING
