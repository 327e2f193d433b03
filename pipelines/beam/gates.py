"""Metrics of label tables on Apache Beam, for the gate after labelling."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any

import apache_beam as beam

from pipelines.beam.engine import BeamEngine
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.gates.expectations import Table
from transforms.gates.labels import tables_of
from transforms.gates.metrics import LabelMetrics, measure_shard
from transforms.labels.records import LabelRecord
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage


class MeasureLabels(beam.PTransform[Any, Any]):
    """Label records to the corpus's metrics (one element)."""

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
        )


@contextmanager
def label_tables(
    engine: BeamEngine, config: Config, records: Sequence[LabelRecord]
) -> Iterator[Mapping[str, Table]]:
    """The merged metrics of labelled shards, as tables of this process."""
    storage = output_storage(config.output)
    with engine.pipeline() as pipeline:
        labelled = pipeline | beam.Create(records) | beam.Reshuffle()
        _ = labelled | MeasureLabels(config) | beam.Map(_publish, storage)
    metrics = LabelMetrics.from_json(storage.read(paths.METRICS))
    yield tables_of(metrics, records, schema_of(config))


def _merged(parts: Iterable[LabelMetrics]) -> LabelMetrics:
    return reduce(LabelMetrics.merge, parts, LabelMetrics())


def _publish(metrics: LabelMetrics, storage: Storage) -> None:
    storage.publish(paths.METRICS, metrics.to_json())
