"""From a label table to the histogram's increments."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.config.schema import SIMILARITY, Schema, schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.labels.tables import label_batches
from transforms.shards.naming import stem_of
from transforms.statistics.histogram import HistogramAccumulator
from transforms.statistics.subsampling import drawn
from transforms.storage.files import Storage


def accumulator_for(schema: Schema, most: int | None = None) -> HistogramAccumulator:
    """An empty accumulator for the patterns of `schema`, of `most` if that is given."""
    return HistogramAccumulator(
        tuple(attribute.name for attribute in schema.attributes), schema.labels, most
    )


def is_balanced(table: pa.Table, config: Config) -> NDArray[np.bool_]:
    """The samples that pass the quality filter and so take part in balancing, bool (n,)."""
    if config.filter is None:
        return np.ones(table.num_rows, np.bool_)
    similarity = table.column(SIMILARITY).to_numpy()
    return np.asarray(similarity >= config.filter.min_similarity)


def count_shard(record: LabelRecord, config: Config, storage: Storage) -> HistogramAccumulator:
    """The patterns of one labelled shard, counted: no more than `balance.max_patterns`."""
    schema = schema_of(config)
    counted = accumulator_for(schema, config.balance.max_patterns)
    for batch in balanced_batches(record, schema.pattern_columns, config, storage):
        counted.add(batch, schema.pattern_columns)
    return counted.fold()


def sample_shard(
    record: LabelRecord, level: int, config: Config, storage: Storage
) -> HistogramAccumulator:
    """The patterns of the rows that are drawn of one labelled shard, one of 2^level, counted."""
    schema = schema_of(config)
    counted = accumulator_for(schema)
    for batch in balanced_batches(record, schema.pattern_columns, config, storage, level):
        counted.add(batch, schema.pattern_columns)
    return counted.fold()


def balanced_batches(
    record: LabelRecord,
    columns: Sequence[str],
    config: Config,
    storage: Storage,
    level: int = 0,
) -> Iterator[pa.Table]:
    """The rows of a labelled shard that take part in balancing, one of 2^level, some at a time.

    Each batch has the flags in `columns`, and the utility.
    """
    wanted = [*columns, "utility", *([SIMILARITY] if config.filter else [])]
    stem, first = stem_of(record.shard.name), 0
    for batch in label_batches(storage, record, wanted, schema_of(config).derived):
        chosen = drawn(stem, first, batch.num_rows, level)
        first += batch.num_rows
        chosen &= is_balanced(batch, config)
        yield batch if chosen.all() else batch.filter(pa.array(chosen))
