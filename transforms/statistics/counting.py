"""From a label table to the histogram's increments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.config.schema import Schema, schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.labels.tables import label_batches
from transforms.shards.naming import stem_of
from transforms.statistics.filtering import FilterCounts, conditions_of
from transforms.statistics.histogram import Histogram, HistogramAccumulator
from transforms.statistics.subsampling import drawn
from transforms.storage.files import Storage


def accumulator_for(schema: Schema, most: int | None = None) -> HistogramAccumulator:
    """An empty accumulator for the patterns of `schema`, of `most` if that is given."""
    return HistogramAccumulator(
        tuple(attribute.name for attribute in schema.attributes), schema.labels, most
    )


@dataclass
class Counted:
    """The patterns of samples and, where there is a filter, what it takes: merged alike."""

    patterns: HistogramAccumulator
    filtered: FilterCounts | None

    def merge(self, other: "Counted") -> Self:
        """Add everything that `other` counted."""
        self.patterns.merge(other.patterns)
        if self.filtered is not None and other.filtered is not None:
            self.filtered.merge(other.filtered)
        return self

    def extract(self) -> tuple[Histogram, FilterCounts | None]:
        """Both; FairshardError where there are too many patterns."""
        return self.patterns.extract(), self.filtered


def filter_counts(config: Config) -> FilterCounts | None:
    """An empty count of what the filter takes; None where there is no filter."""
    conditions, flags = conditions_of(config), len(schema_of(config).pattern_columns)
    return FilterCounts.nothing(conditions, flags) if conditions else None


def is_balanced(table: pa.Table, config: Config) -> NDArray[np.bool_]:
    """The samples that pass the quality filter and so take part in balancing, bool (n,)."""
    balanced = np.ones(table.num_rows, np.bool_)
    for condition in conditions_of(config):
        balanced &= condition.passed(table)
    return balanced


def count_shard(
    record: LabelRecord, config: Config, storage: Storage, filtered: FilterCounts | None = None
) -> HistogramAccumulator:
    """The patterns of one labelled shard, counted: no more than `balance.max_patterns`.

    What the filter takes is added to `filtered`, if that is given.
    """
    schema = schema_of(config)
    counted = accumulator_for(schema, config.balance.max_patterns)
    columns = schema.pattern_columns
    for batch in balanced_batches(record, columns, config, storage, filtered=filtered):
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
    filtered: FilterCounts | None = None,
) -> Iterator[pa.Table]:
    """The rows of a labelled shard that take part in balancing, one of 2^level, some at a time.

    Each batch has the flags in `columns`, and the utility. What the filter takes of all rows is
    added to `filtered`, if that is given.
    """
    conditions = conditions_of(config)
    wanted = list(dict.fromkeys([*columns, "utility", *(each.column for each in conditions)]))
    stem, first = stem_of(record.shard.name), 0
    for batch in label_batches(storage, record, wanted, schema_of(config).derived):
        chosen = drawn(stem, first, batch.num_rows, level)
        first += batch.num_rows
        if filtered is not None:
            chosen &= filtered.add(batch, columns, conditions)
        else:
            for condition in conditions:
                chosen &= condition.passed(batch)
        yield batch if chosen.all() else batch.filter(pa.array(chosen))
