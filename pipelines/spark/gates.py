"""Label tables and their metrics as Spark's data frames, for the gate after labelling."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark import RDD, SparkContext
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.pandas.types import from_arrow_schema

from pipelines.spark.secrets import entrust, entrusted
from transforms.config.schema import Schema, schema_of
from transforms.config.sections import Config
from transforms.gates.expectations import Table
from transforms.gates.labels import COLUMNS, COUNTED, corpus_table, shard_row
from transforms.gates.metrics import LabelMetrics, measure_shard
from transforms.gates.standins import ROWS
from transforms.labels.derived import with_derived
from transforms.labels.records import LabelRecord
from transforms.labels.tables import label_file
from transforms.storage.files import output_storage

_SHARDS = "shard string, rows long, repeated_keys long, schema string"
_COUNTS = ("rows", "nulls", "not_finite", "out_of_range")
_PARTS = (
    "column string, kind string, rows long, nulls long, not_finite long, out_of_range long, "
    "trues long"
)


def tables_on(
    context: SparkContext, config: Config, records: Sequence[LabelRecord]
) -> dict[str, Table]:
    """The tables; metrics are measured once, rows are read when an expectation asks for them."""
    session, schema = SparkSession(context), schema_of(config)
    given = entrust(context, config, [record.shard for record in records])
    hidden = given.hidden_records(records)
    measured = _together(context, hidden).map(partial(_measure, schema)).persist()
    measured.count()
    shards = session.createDataFrame(measured.flatMap(_shard_rows), _SHARDS).persist()
    parts = session.createDataFrame(
        measured.flatMap(lambda metrics: _column_rows(metrics, schema)), _PARTS
    )
    return {
        "shards": Table(shards, "shard", ("rows",)),
        "corpus": corpus_table(records),
        "columns": Table(_columns(parts).coalesce(1).persist(), "column", COUNTED),
        ROWS: _rows(session, schema, hidden),
    }


def _measure(schema: Schema, record: LabelRecord) -> LabelMetrics:
    with entrusted() as given:
        return measure_shard(record, schema, output_storage(given.config.output))


def _together(context: SparkContext, records: Sequence[LabelRecord]) -> RDD[LabelRecord]:
    tasks = min(len(records), 4 * context.defaultParallelism)
    return context.parallelize(records, max(1, tasks))


def _shard_rows(metrics: LabelMetrics) -> Iterator[tuple[Any, ...]]:
    for name, counts in metrics.shards.items():
        yield shard_row(name, counts)


def _column_rows(metrics: LabelMetrics, schema: Schema) -> Iterator[tuple[Any, ...]]:
    for name, counts in metrics.columns.items():
        if not schema.may_lack(name):
            found = (getattr(counts, each) for each in (*_COUNTS, "trues"))
            yield name, schema.kind_of(name), *found


def _columns(parts: DataFrame) -> DataFrame:
    """The metrics of each column in all shards."""
    total = parts.groupBy("column", "kind").agg(
        *(sql.sum(name).alias(name) for name in (*_COUNTS, "trues"))
    )
    return total.withColumns(
        {"attribute_share": _share_of("s"), "label_share": _share_of("y")}
    ).select(*COLUMNS)


def _share_of(kind: str) -> Column:
    rows = sql.greatest(sql.col("rows"), sql.lit(1))
    return sql.when(sql.col("kind") == kind, sql.col("trues") / rows)


def _rows(session: SparkSession, schema: Schema, records: Sequence[LabelRecord]) -> Table:
    """The label tables, flags as 0 and 1; Spark takes no dot in a name: a slash stands for it."""
    renamed = {name: name.replace(".", "/") for name in schema.as_read.names}
    form = pa.schema(
        (renamed[field.name], pa.int32() if pa.types.is_boolean(field.type) else field.type)
        for field in schema.as_read
    )

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with entrusted() as given:
            storage = output_storage(given.config.output)
            for number in (number for batch in batches for number in batch.column(0).to_pylist()):
                file = label_file(storage, records[number])
                names = [name for name in schema.arrow.names if name in file.schema_arrow.names]
                for found in file.iter_batches(columns=names, use_threads=False):
                    part = with_derived(pa.Table.from_batches([found]), schema.derived)
                    yield from _in_form(part, schema, form).to_batches()

    tasks = min(len(records), 4 * session.sparkContext.defaultParallelism)
    numbers = session.range(len(records), numPartitions=max(1, tasks))
    return Table(
        numbers.mapInArrow(read, from_arrow_schema(form)),
        renamed=renamed,
    )


def _in_form(part: pa.Table, schema: Schema, form: pa.Schema) -> pa.Table:
    """The columns of `schema` in the types of `form`; those that are missing hold nulls."""
    columns = [
        part.column(name).cast(field.type)
        if name in part.column_names
        else pa.nulls(part.num_rows, field.type)
        for name, field in zip(schema.as_read.names, form, strict=True)
    ]
    return pa.table(columns, schema=form)
