"""Metrics of label tables on Apache Beam, for the gate after labelling."""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import apache_beam as beam

from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.gates.expectations import Table
from transforms.gates.labels import tables_of
from transforms.gates.metrics import LabelMetrics, measure_shard
from transforms.labels.records import LabelRecord
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage


class MeasureLabels(beam.PTransform[Any, Any]):
    """Label records to the corpus's metrics, which are published; workers hand back none."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config

    def expand(self, records: Any) -> Any:
        storage = output_storage(self._config.output)
        return (
            records
            | "MeasureShard" >> beam.Map(measure_shard, schema_of(self._config), storage)
            | "MergeMetrics" >> beam.CombineGlobally(_merged)
            | beam.Map(LabelMetrics.extract)
            | beam.Map(_publish, storage)
        )


def measured(config: Config, records: Sequence[LabelRecord]) -> dict[str, Table]:
    """The metrics that were measured of labelled shards, as tables of this process."""
    metrics = LabelMetrics.from_json(output_storage(config.output).read(paths.METRICS))
    return tables_of(metrics, records, schema_of(config))


def _merged(parts: Iterable[LabelMetrics]) -> LabelMetrics:
    return reduce(LabelMetrics.merge, parts, LabelMetrics())


def _publish(metrics: LabelMetrics, storage: Storage) -> None:
    storage.publish(paths.METRICS, metrics.to_json())
