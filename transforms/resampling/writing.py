"""From a plan to output shards: what each input shard gives, and writing one output shard."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

import numpy as np
import pyarrow as pa

from transforms.config.sections import Config
from transforms.config.writers import WRITERS
from transforms.labels.records import LabelRecord
from transforms.labels.tables import digest
from transforms.plan.plan import Plan
from transforms.resampling.contents import Contents
from transforms.resampling.drawing import Draw, draw
from transforms.resampling.output_moments import count_copies
from transforms.resampling.packing import Output
from transforms.resampling.records import (
    OutputRecord,
    Taken,
    output_file,
    output_record_from,
    output_shard,
)
from transforms.shards.copying import Piece, Source
from transforms.statistics.exact_sums import FixedSums
from transforms.storage import paths
from transforms.storage.attempts import attempting
from transforms.storage.documents import to_json
from transforms.storage.files import Storage


def task_identity(output: Output, plan: Plan, config: Config) -> str:
    """A digest of what an output shard is to hold: the plan, its origins' ranges, the format."""
    origins = [dataclasses.astuple(origin) for origin in output.origins]
    parts = [plan.identity, output.number, origins, *config.output.other_format.values()]
    return digest(json.dumps(parts).encode())


def write_output(
    output: Output,
    records: Mapping[str, LabelRecord],
    plan: Plan,
    config: Config,
    storage: Storage,
) -> tuple[OutputRecord, FixedSums]:
    """Write one output shard, or find it written; its record, and the sums of what it holds.

    Publishes the shard, then its record. `records` holds the origins' records by shard name.
    """
    identity, name = task_identity(output, plan, config), output_shard(output.number, config)
    done = finished_output(name, identity, storage)
    parts = [
        _part(draw(records[origin.shard], plan, config, storage), origin.first, origin.last)
        for origin in output.origins
    ]
    if done is None:
        done = _publish(output, identity, parts, records, config, storage)
    flags = np.concatenate([part.flags for part in parts])
    return done, count_copies(flags, plan)


def finished_output(name: str, identity: str, storage: Storage) -> OutputRecord | None:
    """The record of an output shard that is written for this very task, and fits its file."""
    content = storage.find(paths.output_record(name))
    if content is None:
        return None
    try:
        record = output_record_from(content)
    except ValueError:
        return None
    if record.identity != identity:
        return None
    file = output_file(name, record)
    return None if file.fault(storage.listed(file.name), storage) else record


def _withdraw(name: str, identity: str, storage: Storage) -> None:
    """Remove the record of another task before its shard is overwritten.

    A record of this very task stays: it is another attempt's, which wrote the same bytes.
    """
    record = paths.output_record(name)
    if storage.exists(record) and finished_output(name, identity, storage) is None:
        storage.delete(record)


def _publish(
    output: Output,
    identity: str,
    parts: Sequence[Draw],
    records: Mapping[str, LabelRecord],
    config: Config,
    storage: Storage,
) -> OutputRecord:
    name = output_shard(output.number, config)
    contents = Contents(
        tuple(_sources(parts, [records[origin.shard] for origin in output.origins])),
        tuple(part.table for part in parts),
        config.input.storage_options,
    )
    _withdraw(name, identity, storage)
    with (
        attempting("resample", f"{output.number:05d}", storage),
        storage.publishing(name) as sink,
    ):
        written = WRITERS[config.output.format].write(contents, sink)
    record = OutputRecord(
        output.number,
        identity,
        written.samples,
        written.bytes,
        written.sha256,
        tuple(
            Taken(origin.shard, len(part.repeat), int((part.repeat == 0).sum()))
            for origin, part in zip(output.origins, parts, strict=True)
        ),
        {"read": written.read_seconds, "write": written.write_seconds},
        storage.version(name),
    )
    storage.publish(paths.output_record(name), to_json(record))
    return record


def _part(drawn: Draw, first: int, last: int) -> Draw:
    """The copies of a draw that begin in [first, last), with only their rows."""
    here = slice(*np.searchsorted(drawn.begin, [first, last]))
    row = drawn.row[here]
    return Draw(
        drawn.table.take(pa.array(row)),
        drawn.flags[row],
        row,
        drawn.repeat[here],
        drawn.begin[here],
        drawn.size[here],
    )


def _sources(parts: Sequence[Draw], records: Sequence[LabelRecord]) -> Iterator[Source]:
    """Where the copies of each part are."""
    originals = {key for part in parts for key in part.table.column("key").to_pylist()}
    used: set[str] = set()
    for part, record in zip(parts, records, strict=True):
        pieces = tuple(_pieces(part, originals, used))
        mixed, shard = record.mixed > 0, record.shard
        yield Source(shard.url, pieces, mixed, record.compression, shard)


def _pieces(part: Draw, originals: set[str], used: set[str]) -> Iterator[Piece]:
    """The pieces of a part; a repeat, and a key that the output shard has, get a free new name."""
    keys = part.table.column("key").to_pylist()
    offsets = part.table.column("offset").to_pylist()
    sizes = part.table.column("size").to_pylist()
    for key, offset, size, repeat in zip(keys, offsets, sizes, part.repeat.tolist(), strict=True):
        name = key
        if repeat or key in used:
            names = (f"{key}-{number}" for number in count(max(repeat, 1)))
            name = next(name for name in names if name not in originals and name not in used)
        used.add(name)
        yield Piece(offset, size, key, None if name == key else name)
