"""From a plan to output shards: what each input shard gives, and writing one output shard."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms import layout
from transforms.attempts import attempting
from transforms.config import Config
from transforms.copying import Piece, Source, copy_samples
from transforms.fixed_point import FixedSums
from transforms.histogram import flags_of, pack_patterns
from transforms.inventory import output_file
from transforms.packing import Kept, Output
from transforms.plan import Plan
from transforms.records import LabelRecord, OutputRecord, Taken, output_record_from, to_json
from transforms.sampling import systematic_copies
from transforms.schema import schema_of
from transforms.shard_names import stem_of
from transforms.statistics import balanced_part
from transforms.storage import Storage
from transforms.tables import digest, read_labels
from transforms.written import count_copies


@dataclass(frozen=True)
class Draw:
    """The copies that one input shard gives, in order of offset; a row a copy.

    row: the sample's row in the label table; repeat: 0 for the first copy of a sample, then 1,
    2, ...; begin: where the copy begins on the shard's line of units; size: its units. All int64.
    """

    table: pa.Table
    flags: NDArray[np.bool_]
    row: NDArray[np.int64]
    repeat: NDArray[np.int64]
    begin: NDArray[np.int64]
    size: NDArray[np.int64]


def draw(record: LabelRecord, plan: Plan, config: Config, storage: Storage) -> Draw:
    """Sample one shard: a function of the seed, the shard's labels and the plan alone."""
    schema = schema_of(config)
    table = read_labels(storage, record)
    flags = flags_of(table, schema.pattern_columns)
    utility = table.column("utility").to_numpy()
    weights = np.where(balanced_part(table, config), plan.weights(flags, utility), 0.0)
    patterns = pack_patterns(flags, utility)
    copies = systematic_copies(
        weights, patterns, table.column("key"), config.seed, stem_of(record.shard.name)
    )
    row = np.repeat(np.arange(table.num_rows), copies)
    repeat = np.arange(len(row)) - np.repeat(np.cumsum(copies) - copies, copies)
    by_bytes = config.output.bytes_per_shard is not None
    size = table.column("size").to_numpy()[row] if by_bytes else np.ones(len(row), np.int64)
    return Draw(table, flags, row, repeat, np.cumsum(size) - size, size)


def keep_shard(record: LabelRecord, plan: Plan, config: Config, storage: Storage) -> Kept:
    """What one input shard gives to the output, counted without reading an image byte."""
    drawn = draw(record, plan, config, storage)
    size = drawn.size
    return Kept(
        record.shard.name,
        samples=len(size),
        kept=int(np.count_nonzero(drawn.repeat == 0)),
        units=int(size.sum()),
        largest=int(size.max(initial=0)),
        last=int(size[-1]) if len(size) else 0,
    )


def task_identity(output: Output, plan: Plan) -> str:
    """A digest of what an output shard is to hold: the plan, and the ranges of its origins."""
    origins = [dataclasses.astuple(origin) for origin in output.origins]
    return digest(json.dumps([plan.identity, output.number, origins]).encode())


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
    identity = task_identity(output, plan)
    done = finished_output(output.number, identity, storage)
    taken: list[Taken] = []
    sources: list[Source] = []
    used: set[str] = set()
    parts = [
        _part(draw(records[origin.shard], plan, config, storage), origin.first, origin.last)
        for origin in output.origins
    ]
    originals = {key for part in parts for key in part.table.column("key").to_pylist()}
    for origin, part in zip(output.origins, parts, strict=True):
        taken.append(Taken(origin.shard, len(part.repeat), int((part.repeat == 0).sum())))
        record = records[origin.shard]
        pieces = tuple(_pieces(part, originals, used))
        mixed, shard = record.mixed > 0, record.shard
        sources.append(Source(shard.url, pieces, mixed, record.compression, shard))
    if done is None:
        done = _publish(output.number, identity, taken, sources, config, storage)
    flags = np.concatenate([part.flags for part in parts])
    return done, count_copies(flags, plan)


def finished_output(number: int, identity: str, storage: Storage) -> OutputRecord | None:
    """The record of an output shard that is written for this very task, and fits its file."""
    content = storage.find(layout.output_record(number))
    if content is None:
        return None
    try:
        record = output_record_from(content)
    except ValueError:
        return None
    if record.identity != identity:
        return None
    file = output_file(record)
    return None if file.fault(storage.listed(file.name), storage) else record


def _withdraw(number: int, identity: str, storage: Storage) -> None:
    """Remove the record of another task before its shard is overwritten.

    A record of this very task stays: it is another attempt's, which wrote the same bytes.
    """
    name = layout.output_record(number)
    if storage.exists(name) and finished_output(number, identity, storage) is None:
        storage.delete(name)


def _publish(
    number: int,
    identity: str,
    taken: Sequence[Taken],
    sources: Sequence[Source],
    config: Config,
    storage: Storage,
) -> OutputRecord:
    _withdraw(number, identity, storage)
    with (
        attempting("resample", f"{number:05d}", storage),
        storage.publishing(layout.output_shard(number)) as sink,
    ):
        copied = copy_samples(sources, sink, config.input.storage_options)
    record = OutputRecord(
        number,
        identity,
        copied.samples,
        copied.bytes,
        copied.sha256,
        tuple(taken),
        {"read": copied.read_seconds, "write": copied.write_seconds},
        storage.version(layout.output_shard(number)),
    )
    storage.publish(layout.output_record(number), to_json(record))
    return record


def _part(drawn: Draw, first: int, last: int) -> Draw:
    """The copies of a draw that begin in [first, last), with only their rows."""
    here = slice(*np.searchsorted(drawn.begin, [first, last]))
    row = drawn.row[here]
    return Draw(
        drawn.table.select(["key", "offset", "size", "utility"]).take(pa.array(row)),
        drawn.flags[row],
        row,
        drawn.repeat[here],
        drawn.begin[here],
        drawn.size[here],
    )


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
