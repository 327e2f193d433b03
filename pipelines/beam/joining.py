"""Joining tables on Beam, a step after another: what travels is descriptors and records."""

from collections.abc import Sequence
from typing import Any

import apache_beam as beam

from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.stages.labelling import (
    STEPS,
    JoinResult,
    JoinTask,
    Labelling,
    forget_joined,
    join,
    join_tasks,
    records_in,
)


class JoinTables(beam.PTransform[Any, Any]):
    """Records of what is recognised to label records: tables are joined step by step.

    A step waits for all results of those before it.
    """

    def __init__(self, config: Config, labelling: Labelling) -> None:
        super().__init__()
        self._config = config
        self._labelling = labelling

    def expand(self, records: Any) -> Any:
        pipeline, recognised = records.pipeline, beam.pvalue.AsList(records)
        once, given = pipeline | beam.Create([None]), (self._labelling, self._config)
        so_far = pipeline | "NoResults" >> beam.Create([])
        for step in range(STEPS):
            results = beam.pvalue.AsList(so_far)
            tasks = once | f"Tasks{step}" >> beam.FlatMap(
                _join_tasks, step, recognised, results, *given
            )
            spread = tasks | f"Spread{step}" >> beam.Reshuffle()
            found = spread | f"Join{step}" >> beam.Map(join, *given)
            so_far = (so_far, found) | f"Results{step}" >> beam.Flatten()
        joined = found | beam.FlatMap(_records_of)
        ended = (beam.pvalue.AsList(joined), beam.pvalue.AsList(tasks))
        _ = once | beam.Map(_forget_joined, *ended, self._config)
        return joined


def _join_tasks(
    _: None,
    step: int,
    records: Sequence[LabelRecord],
    results: Sequence[JoinResult],
    labelling: Labelling,
    config: Config,
) -> list[JoinTask]:
    return join_tasks(step, records, results, labelling, config)


def _records_of(result: JoinResult) -> list[LabelRecord]:
    return records_in([result])


def _forget_joined(
    _: None, joined: Sequence[LabelRecord], tasks: Sequence[JoinTask], config: Config
) -> None:
    """What the steps left goes once all labels are there, which are `joined`."""
    forget_joined(tasks, config)
