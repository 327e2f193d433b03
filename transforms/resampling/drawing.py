"""What one input shard gives to the output: the copies of its samples, drawn by the plan."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.labels.tables import read_labels
from transforms.plan.plan import Plan
from transforms.resampling.packing import Kept
from transforms.resampling.sampling import flipped, systematic_copies
from transforms.shards.naming import stem_of
from transforms.statistics.counting import is_balanced
from transforms.statistics.patterns import flags_of, pack_patterns
from transforms.storage.files import Storage


@dataclass(frozen=True)
class Draw:
    """The copies that one input shard gives, in order of offset; a row a copy.

    table: the label table, with the samples' weights `q`. row: the sample's row in it; repeat: 0
    for the first copy of a sample, then 1, 2, ...; begin: where the copy begins on the shard's line
    of units; size: its units. All int64.
    """

    table: pa.Table
    flags: NDArray[np.bool_]
    row: NDArray[np.int64]
    repeat: NDArray[np.int64]
    begin: NDArray[np.int64]
    size: NDArray[np.int64]


@dataclass(frozen=True)
class WeighedShard:
    """The samples of one input shard: the label table with their weights `q`, their flags, and the
    copies that each gives, int64 (n,).
    """

    table: pa.Table
    flags: NDArray[np.bool_]
    copies: NDArray[np.int64]


def weighed(record: LabelRecord, plan: Plan, config: Config, storage: Storage) -> WeighedShard:
    """Sample one shard: a function of the seed, the shard's labels and the plan alone."""
    schema = schema_of(config)
    table = read_labels(storage, record, derived=schema.derived)
    flags = flags_of(table, schema.pattern_columns)
    utility = table.column("utility").to_numpy()
    weights = np.where(is_balanced(table, config), plan.weights(flags, utility), 0.0)
    patterns = pack_patterns(flags, utility)
    copies = systematic_copies(
        weights, patterns, table.column("key"), config.seed, stem_of(record.shard.name)
    )
    copies = flipped(copies, weights, plan.flips.of(record.shard.name))
    return WeighedShard(table.append_column("q", pa.array(weights)), flags, copies)


def draw(record: LabelRecord, plan: Plan, config: Config, storage: Storage) -> Draw:
    """The copies that one shard gives."""
    shard = weighed(record, plan, config, storage)
    table, copies = shard.table, shard.copies
    row = np.repeat(np.arange(table.num_rows), copies)
    repeat = np.arange(len(row)) - np.repeat(np.cumsum(copies) - copies, copies)
    by_bytes = config.output.bytes_per_shard is not None
    size = table.column("size").to_numpy()[row] if by_bytes else np.ones(len(row), np.int64)
    return Draw(table, shard.flags, row, repeat, np.cumsum(size) - size, size)


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
