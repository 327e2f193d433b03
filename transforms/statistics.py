"""From a label table to the histogram's increments."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.config import Config
from transforms.histogram import HistogramAccumulator
from transforms.records import LabelRecord
from transforms.schema import SIMILARITY, Schema, schema_of
from transforms.storage import Storage
from transforms.tables import label_parts


def accumulator_for(schema: Schema) -> HistogramAccumulator:
    """An empty accumulator for the patterns of `schema`."""
    return HistogramAccumulator(
        tuple(attribute.name for attribute in schema.attributes), schema.labels
    )


def balanced_part(table: pa.Table, config: Config) -> NDArray[np.bool_]:
    """The samples that pass the quality filter and so take part in balancing, bool (n,)."""
    if config.filter is None:
        return np.ones(table.num_rows, np.bool_)
    similarity = table.column(SIMILARITY).to_numpy()
    return np.asarray(similarity >= config.filter.min_similarity)


def count_shard(record: LabelRecord, config: Config, storage: Storage) -> HistogramAccumulator:
    """The patterns of one labelled shard, counted."""
    schema = schema_of(config)
    columns = [*schema.pattern_columns, "utility", *([SIMILARITY] if config.filter else [])]
    counted = accumulator_for(schema)
    for part in label_parts(storage, record, columns):
        balanced = part.filter(pa.array(balanced_part(part, config))) if config.filter else part
        counted.add(balanced, schema.pattern_columns)
    return counted.fold()
