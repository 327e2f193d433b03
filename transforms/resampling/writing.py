"""From a plan to output shards: what each input shard gives, and writing one output shard."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from transforms.config.sections import UNIQUE, Config
from transforms.config.writers import WRITERS
from transforms.labels.records import LabelRecord
from transforms.labels.tables import digest, parquet_bytes
from transforms.plan.plan import Plan
from transforms.resampling.contents import Contents
from transforms.resampling.drawing import Draw, draw
from transforms.resampling.output_moments import WrittenCopies
from transforms.resampling.packing import Output
from transforms.resampling.records import (
    OutputRecord,
    TableRecord,
    Taken,
    has_tables,
    output_file,
    output_record_from,
    output_shard,
    table_file,
)
from transforms.resampling.samples_table import samples_table
from transforms.resampling.unique_keys import unique_key
from transforms.shards.copying import Piece, Source
from transforms.storage import paths
from transforms.storage.attempts import attempting
from transforms.storage.documents import to_json
from transforms.storage.files import Storage

_NONE: Mapping[str, str] = MappingProxyType({})


def task_identity(output: Output, plan: Plan, config: Config) -> str:
    """A digest of what an output shard is to hold: the plan, its origins' ranges, the form."""
    origins = [dataclasses.astuple(origin) for origin in output.origins]
    parts = [plan.identity, output.number, origins, *config.output.other_form.values()]
    return digest(json.dumps(parts).encode())


def write_output(
    output: Output,
    records: Mapping[str, LabelRecord],
    plan: Plan,
    config: Config,
    storage: Storage,
    prefixes: Mapping[str, str] = _NONE,
) -> tuple[OutputRecord, WrittenCopies]:
    """Write one output shard, or find it written; its record, and what it holds.

    Publishes the shard, the table beside it, then their record; where the shard is there, only what
    is not. `records` holds the origins' records by shard name, `prefixes` what their keys begin
    with, where keys are to be unique.
    """
    identity, name = task_identity(output, plan, config), output_shard(output.number, config)
    done = finished_output(name, identity, storage)
    parts, kept = [], []
    for origin in output.origins:
        drawn = draw(records[origin.shard], plan, config, storage)
        parts.append(_part(drawn, origin.first, origin.last))
        kept.append(drawn.table.column("key"))
    if done is None or not _table_stands(done, config, storage):
        contents = _contents(output, parts, kept, records, prefixes, config)
        done = _publish(output, identity, parts, contents, done, config, storage)
    flags = np.concatenate([part.flags for part in parts])
    return done, WrittenCopies.of(flags, plan, config.output.grows)


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


def _table_stands(record: OutputRecord, config: Config, storage: Storage) -> bool:
    """Whether there is the table that is to be beside a shard, or none where none is to be."""
    if record.table is None or not has_tables(config):
        return (record.table is None) is not has_tables(config)
    file = table_file(record.number, record.table)
    return not file.fault(storage.listed(file.name), storage)


def _publish(
    output: Output,
    identity: str,
    parts: Sequence[Draw],
    contents: Contents,
    done: OutputRecord | None,
    config: Config,
    storage: Storage,
) -> OutputRecord:
    """Write the shard, unless it is `done`, and the table beside it, then their record."""
    with attempting("resample", f"{output.number:05d}", storage):
        if done is None:
            done = _write_shard(output, identity, parts, contents, config, storage)
        table = _write_table(output.number, contents, storage) if has_tables(config) else None
    record = dataclasses.replace(done, table=table)
    storage.publish(paths.output_record(output_shard(output.number, config)), to_json(record))
    return record


def _write_table(number: int, contents: Contents, storage: Storage) -> TableRecord:
    table, notes = samples_table(contents)
    name, content = paths.samples_table(number), parquet_bytes(table)
    storage.settle(name, content)
    digest = hashlib.sha256(content).hexdigest()
    return TableRecord(len(content), digest, storage.version(name), notes)


def _write_shard(
    output: Output,
    identity: str,
    parts: Sequence[Draw],
    contents: Contents,
    config: Config,
    storage: Storage,
) -> OutputRecord:
    """Write the shard; what is to be recorded of it."""
    name = output_shard(output.number, config)
    _withdraw(name, identity, storage)
    with storage.publishing(name) as sink:
        written = WRITERS[config.output.format].write(contents, sink)
    return OutputRecord(
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


def _contents(
    output: Output,
    parts: Sequence[Draw],
    kept: Sequence[pa.ChunkedArray],
    records: Mapping[str, LabelRecord],
    prefixes: Mapping[str, str],
    config: Config,
) -> Contents:
    """Where the copies of each part are, and how they are named."""
    shards = [origin.shard for origin in output.origins]
    if config.output.keys == UNIQUE:
        pairs = zip(parts, shards, strict=True)
        names = [_unique_names(part, prefixes[shard]) for part, shard in pairs]
    else:
        names = list(_kept_names(parts))
    sources = [
        _source(part, named, records[shard])
        for part, named, shard in zip(parts, names, shards, strict=True)
    ]
    labels = tuple(part.table for part in parts)
    return Contents(tuple(sources), labels, tuple(kept), config.input.storage_options)


def _source(part: Draw, names: Sequence[str], record: LabelRecord) -> Source:
    columns = (part.table.column(name).to_pylist() for name in ("offset", "size", "key"))
    pieces = tuple(
        Piece(offset, size, key, None if name == key else name)
        for offset, size, key, name in zip(*columns, names, strict=True)
    )
    return Source(record.shard.url, pieces, record.mixed > 0, record.compression, record.shard)


def _unique_names(part: Draw, prefix: str) -> list[str]:
    """The keys of the copies, which no other copy of the output has."""
    keys = part.table.column("key").to_pylist()
    pairs = zip(keys, part.repeat.tolist(), strict=True)
    return [unique_key(key, repeat, prefix) for key, repeat in pairs]


def _kept_names(parts: Sequence[Draw]) -> Iterator[list[str]]:
    """The keys of the copies of each part; a repeat, and a key that the output shard has, get a
    free new one.
    """
    originals = {key for part in parts for key in part.table.column("key").to_pylist()}
    used: set[str] = set()
    for part in parts:
        names = []
        keys = part.table.column("key").to_pylist()
        for key, repeat in zip(keys, part.repeat.tolist(), strict=True):
            name = key
            if repeat or key in used:
                free = (f"{key}-{number}" for number in count(max(repeat, 1)))
                name = next(name for name in free if name not in originals and name not in used)
            used.add(name)
            names.append(name)
        yield names
