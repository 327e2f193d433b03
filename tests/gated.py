"""Finished outputs to check at gates, and ways to spoil their label tables."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from jobs.session.labelled import all_label_records
from tests.fixtures import config_of, write_corpus
from tests.naming import named
from tests.outputs import finished_output
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.gates.expectations import Expectation
from transforms.gates.labels import gate_labels
from transforms.gates.metrics import LabelMetrics, measure_shard
from transforms.gates.output import gate_output
from transforms.gates.plan import gate_plan
from transforms.gates.results import GateResult
from transforms.labels.records import LabelRecord
from transforms.labels.tables import digest
from transforms.outcome.artefacts import read_artefacts
from transforms.plan.fingerprint import fingerprint
from transforms.plan.plan import read_histogram, read_plan
from transforms.shards.finding import find_shards
from transforms.storage import paths
from transforms.storage.files import output_storage


def finished(folder: Path, **changes: Any) -> Config:
    """A corpus of 300 samples in 3 shards, rebalanced into `folder`/out."""
    write_corpus(folder)
    config = config_of(folder, **changes)
    finished_output(config)
    return config


def spoil(config: Config, change: Callable[[pa.Table], pa.Table], shard: str = "00001") -> None:
    """Change a label table, and let its record vouch for what it is now."""
    out = Path(config.output.url)
    name = named(config, shard)
    path, record = out / paths.labels(name), out / paths.label_record(name)
    pq.write_table(change(pq.read_table(path)), path)
    values = json.loads(record.read_text())
    content = path.read_bytes()
    vouched = {"table_digest": digest(content), "table_bytes": len(content)}
    record.write_text(json.dumps(values | vouched))


def with_values(
    column: str, change: Callable[[list[Any]], list[Any]]
) -> Callable[[pa.Table], pa.Table]:
    """Change the values of a column, of its own type."""

    def changed(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(column)
        given = change(table.column(column).to_pylist())
        field = table.schema.field(place).with_nullable(None in given)
        return table.set_column(place, field, pa.array(given, field.type))

    return changed


def records_of(config: Config) -> list[LabelRecord]:
    """The records of all shards."""
    return all_label_records(config, find_shards(config.input))


def metrics_of(config: Config) -> LabelMetrics:
    """The metrics of all shards, measured here."""
    total, storage = LabelMetrics(), output_storage(config.output)
    for record in records_of(config):
        total.merge(measure_shard(record, schema_of(config), storage))
    return total


def labels_result(config: Config, own: Sequence[Expectation] = ()) -> GateResult:
    """The gate after labelling."""
    return gate_labels(metrics_of(config), records_of(config), config, own)


def plan_result(config: Config, own: Sequence[Expectation] = ()) -> GateResult:
    """The gate after solving."""
    storage, records = output_storage(config.output), records_of(config)
    plan = read_plan(storage)
    histogram, q = read_histogram(storage, plan)
    return gate_plan(plan, histogram, q, records, fingerprint(config, records), own)


def output_result(config: Config, own: Sequence[Expectation] = ()) -> GateResult:
    """The gate after resampling."""
    return gate_output(read_artefacts(output_storage(config.output)), own)


def write_own(folder: Path, *entries: dict[str, Any]) -> str:
    """A file of the user's own expectations."""
    path = folder / "expectations.yaml"
    path.write_text(yaml.safe_dump(list(entries)))
    return str(path)
