"""Packing: which copies go to which output shard, from counts alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from transforms.config.sections import OutputConfig


@dataclass(frozen=True, slots=True)
class Kept:
    """What one input shard gives to the output, in units of samples or of bytes.

    samples: copies; kept: distinct samples; units: their sum; largest: the largest copy;
    last: the last copy.
    """

    shard: str
    samples: int
    kept: int
    units: int
    largest: int
    last: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The copies of an input shard that begin in [first, last), in units from the shard's start."""

    shard: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Output:
    """One output shard, by number, and where its copies come from, in order."""

    number: int
    origins: tuple[Origin, ...]


def capacity(output: OutputConfig) -> int:
    """The wanted size of an output shard, in samples or in bytes."""
    wanted = output.samples_per_shard or output.bytes_per_shard
    assert wanted is not None
    return wanted


def pack(kept: Sequence[Kept], wanted: int, first: int = 0) -> tuple[Output, ...]:
    """Output shards of `wanted` units each, numbered on from `first`, over the shards in order.

    Copies lie end to end on one line of units; a copy belongs to the output shard in whose
    interval it begins. The interval is `wanted`, or the largest copy where that is larger, so
    that every interval but the last is reached by the next copy: none is empty.
    """
    shards = [shard for shard in sorted(kept, key=lambda entry: entry.shard) if shard.samples]
    if not shards:
        return ()
    size = max(wanted, *(shard.largest for shard in shards))
    origins: dict[int, list[Origin]] = {}
    start = 0
    for shard in shards:
        last_copy = start + shard.units - shard.last
        for number in range(start // size, last_copy // size + 1):
            begin = max(number * size - start, 0)
            end = min((number + 1) * size - start, shard.units)
            origins.setdefault(number, []).append(Origin(shard.shard, begin, end))
        start += shard.units
    return tuple(Output(first + number, tuple(origins[number])) for number in sorted(origins))
