"""The gate after labelling: what must hold of label tables, and the tables that say it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from transforms.config.schema import Schema, schema_of
from transforms.config.sections import Config
from transforms.gates.evaluating import evaluate
from transforms.gates.expectations import Expectation, Table, between, none
from transforms.gates.metrics import AS_CONFIGURED, ColumnCounts, LabelMetrics, ShardCounts
from transforms.gates.results import GateResult
from transforms.gates.standins import ROWS, on_metrics, stand_ins
from transforms.gates.users import placed
from transforms.labels.records import LabelRecord

COLUMNS = (
    "column",
    "rows",
    "nulls",
    "not_finite",
    "out_of_range",
    "attribute_share",
    "label_share",
    "trues",
)
COUNTED = ("rows", "trues")
SHARDS = ("shard", "rows", "repeated_keys", "schema")
_SEEN = "{column} is in {trues} of {rows} samples"
CORPUS = ("shards", "rows", "rejects", "reject_share")


def labels_suite(config: Config) -> list[Expectation]:
    """What is expected of label tables."""
    budget = config.input.limits.max_reject_share
    return [
        Expectation(
            "shards",
            "expect_column_values_to_be_in_set",
            {"column": "schema", "value_set": [AS_CONFIGURED]},
            "critical",
            "label tables have the columns and types that the configuration asks for",
        ),
        none("shards", "repeated_keys", "keys are unique within a shard"),
        between("corpus", "rows", "there are labelled samples", min_value=1),
        between(
            "corpus",
            "reject_share",
            f"at most {budget:g} of the samples are rejected (input.limits.max_reject_share)",
            max_value=budget,
        ),
        none("columns", "nulls", "no column holds nulls"),
        none("columns", "not_finite", "scores and utilities are finite"),
        none("columns", "out_of_range", "similarities lie within [-1, 1], utilities are 0 or more"),
        between(
            "columns",
            "attribute_share",
            "every attribute is seen in some samples and not in all",
            each=_SEEN,
            min_value=0,
            max_value=1,
            strict_min=True,
            strict_max=True,
        ),
        between(
            "columns",
            "label_share",
            "every label is seen in some samples and not in all",
            "warning",
            _SEEN,
            min_value=0,
            max_value=1,
            strict_min=True,
            strict_max=True,
        ),
    ]


def gate_labels(
    metrics: LabelMetrics,
    records: Sequence[LabelRecord],
    config: Config,
    own: Sequence[Expectation] = (),
) -> GateResult:
    """Check label tables by their merged `metrics`, with the user's `own` expectations.

    Raises ConfigError where one of these needs the rows themselves.
    """
    return check_tables(tables_of(metrics, records, schema_of(config)), config, own)


def tables_of(
    metrics: LabelMetrics, records: Sequence[LabelRecord], schema: Schema
) -> dict[str, Table]:
    """The tables to check, of merged metrics: small, and in this process."""
    found = metrics.extract()
    shards = [shard_row(name, counts) for name, counts in found.shards.items()]
    columns = [
        column_row(name, counts, schema)
        for name, counts in found.columns.items()
        if not schema.may_lack(name)
    ]
    return {
        "shards": Table(pd.DataFrame(shards, columns=list(SHARDS)), "shard", ("rows",)),
        "corpus": corpus_table(records),
        "columns": Table(pd.DataFrame(columns, columns=list(COLUMNS)), "column", COUNTED),
        **stand_ins(found),
    }


def check_tables(
    tables: Mapping[str, Table], config: Config, own: Sequence[Expectation]
) -> GateResult:
    """Check the tables `shards`, `corpus` and `columns`, and `rows` or what stands for it."""
    known = {
        ROWS: schema_of(config).as_read.names,
        "shards": SHARDS,
        "corpus": CORPUS,
        "columns": COLUMNS,
    }
    users = placed(own, known, ROWS)
    if ROWS not in tables:
        users = [on_metrics(given) for given in users]
    return evaluate("labels", tables, [*labels_suite(config), *users])


def corpus_table(records: Sequence[LabelRecord]) -> Table:
    """One row: the numbers of shards, of rows and of rejects, and the rejects' share."""
    rows, rejects = sum(r.samples for r in records), sum(r.rejects for r in records)
    row = (len(records), rows, rejects, rejects / max(rows + rejects, 1))
    return Table(pd.DataFrame([row], columns=list(CORPUS)))


def shard_row(name: str, counts: ShardCounts) -> tuple[Any, ...]:
    """A row of `shards`."""
    return name, counts.rows, counts.repeated_keys, counts.schema


def column_row(name: str, counts: ColumnCounts, schema: Schema) -> tuple[Any, ...]:
    """A row of `columns`; shares are those of flags, of all rows, 0 where there is no row."""
    kind = schema.kind_of(name)
    share = counts.trues / counts.rows if counts.rows else 0.0
    return (
        name,
        counts.rows,
        counts.nulls,
        counts.not_finite,
        counts.out_of_range,
        share if kind == "s" else None,
        share if kind == "y" else None,
        counts.trues,
    )
