"""The samples that a preview reads: the first of shards that are spread over the corpus."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from transforms.config.sections import Config
from transforms.recognition.settings import members_of
from transforms.shards.entries import read_entries
from transforms.shards.file_kinds import Compression
from transforms.shards.finding import Shard
from transforms.shards.samples import Ignored, Reject, Sample, open_tar
from transforms.shards.streams import compression_of

_SHARDS_AT_ONCE = 20
_ROUNDS = 5
_MOST_PASSED_OVER = 10_000


@dataclass(frozen=True, slots=True)
class HeadEntry:
    """What a shard's beginning holds: a sample, or why there is none."""

    shard: Shard
    compression: Compression
    entry: Sample | Reject


def heads(shards: Sequence[Shard], config: Config, samples: int) -> Generator[HeadEntry]:
    """The first samples of shards spread evenly, in the shards' order; `samples` of them in all.

    Where the shards hold fewer, others are read as well: five times twenty at most.
    """
    unread, left = list(shards), samples
    for _ in range(_ROUNDS):
        chosen = spread(unread, min(_SHARDS_AT_ONCE, left))
        for number, shard in enumerate(chosen):
            share = -(-left // (len(chosen) - number))
            for entry in _head(shard, config, share):
                left -= 1
                yield entry
        unread = [shard for shard in unread if shard not in chosen]


def spread(shards: Sequence[Shard], count: int) -> list[Shard]:
    """`count` of the shards at equal distances, from the first to the last; or all."""
    if count >= len(shards):
        return list(shards)
    last = len(shards) - 1
    return [shards[number * last // max(1, count - 1)] for number in range(count)]


def _head(shard: Shard, config: Config, most: int) -> Generator[HeadEntry]:
    if most <= 0:
        return
    source, passed_over = config.input, 0
    with open_tar(shard.url, source.storage_options, size=shard.bytes) as stream:
        compression = compression_of(stream)
        named = f"the {'table' if source.tables else 'shard'} {shard.url}"
        for entry in read_entries(stream, source, members_of(config), named=named):
            if isinstance(entry, Ignored):
                passed_over += 1
                if passed_over == _MOST_PASSED_OVER:
                    return
                continue
            yield HeadEntry(shard, compression, entry)
            most -= 1
            if not most:
                return
