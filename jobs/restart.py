"""Discarding what stages have made, so that they make all of it again."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transforms import layout
from transforms.attempts import attempts_at
from transforms.reading import at_once
from transforms.storage import Storage

_NUMBER = re.compile(r"\d{5,}")


@dataclass(frozen=True)
class Discard:
    """Artefacts that go: a line on them, their records, and what the records vouch for."""

    line: str
    records: tuple[str, ...]
    vouched: tuple[str, ...] = ()


def discard(discards: Sequence[Discard], storage: Storage) -> None:
    """Delete artefacts: records go before what they vouch for."""
    for entry in discards:
        for names in (entry.records, entry.vouched):
            at_once(storage.delete, names)


def discards_of(stages: Sequence[str], storage: Storage) -> list[Discard]:
    """What `stages` have made, later stages first; no file that fairshard did not write."""
    found = [*_of_resample(storage)] if "resample" in stages else []
    if "solve" in stages:
        found += _of_solve(storage)
    if "label" in stages:
        found += _of_label(storage)
    return found


def _of_resample(storage: Storage) -> Iterator[Discard]:
    numbers = [number for number in _recorded(storage, "done/shards") if _NUMBER.fullmatch(number)]
    records = [f"done/shards/{number}.json" for number in numbers]
    manifest = [layout.MANIFEST] if storage.exists(layout.MANIFEST) else []
    if manifest or records:
        yield Discard(
            f"{len(numbers):,} output shards{' and their manifest' * bool(manifest)} are discarded",
            (*manifest, *records),
            tuple(f"shards/{number}.tar" for number in numbers),
        )
    yield from _attempts("resample", storage)


def _of_solve(storage: Storage) -> Iterator[Discard]:
    parts = (layout.PLAN, layout.PATTERNS, layout.SAMPLE)
    there = tuple(part for part in parts if storage.exists(part))
    if there:
        yield Discard("the plan is discarded", there)


def _of_label(storage: Storage) -> Iterator[Discard]:
    shards = _recorded(storage, "done/labels")
    if shards:
        yield Discard(
            f"the labels of {len(shards):,} shards are discarded",
            tuple(layout.label_record(shard) for shard in shards),
            tuple(name(shard) for shard in shards for name in (layout.labels, layout.rejects)),
        )
    yield from _attempts("label", storage)


def _attempts(stage: str, storage: Storage) -> Iterator[Discard]:
    left = tuple(layout.attempt(stage, found.name) for found in attempts_at(stage, storage))
    if left:
        yield Discard(f"{len(left):,} attempts of {stage} that did not succeed are forgotten", left)


def _recorded(storage: Storage, folder: str) -> list[str]:
    names = storage.names(folder)
    return [name.removesuffix(".json") for name in names if name.endswith(".json")]
