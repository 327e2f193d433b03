"""Labelling on Beam: shards are read part by part, and tables joined to what is recognised."""

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.utils.shared import Shared

from pipelines.beam.counters import count
from pipelines.beam.joining import JoinTables
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.records import LabelRecord
from transforms.shards.finding import Shard
from transforms.shards.parts import Part, parts_of
from transforms.stages.labelling import Labelling
from transforms.stages.tasks import Labelled, gather_parts, label_part


class LabelShards(beam.PTransform[Any, Any]):
    """Shard descriptors to label records; the label tables are written on the way.

    `labelling` is what is to be made of all of them.
    """

    def __init__(self, config: Config, labelling: Labelling) -> None:
        super().__init__()
        self._config = config
        self._labelling = labelling

    def expand(self, shards: Any) -> Any:
        records = (
            shards
            | beam.FlatMap(parts_of, self._config.input)
            | beam.Reshuffle()
            | beam.ParDo(_Label(self._config, self._labelling))
            | beam.GroupByKey()
            | beam.ParDo(_Gather(self._config, self._labelling))
        )
        if not self._labelling.joined:
            return records
        return records | JoinTables(self._config, self._labelling)


class _Label(beam.DoFn):
    def __init__(self, config: Config, labelling: Labelling) -> None:
        self._config = config
        self._labelling = labelling
        self._shared = Shared()

    def process(self, part: Part) -> Iterator[tuple[str, tuple[Shard, Labelled]]]:
        labelled = label_part(part, self._labelling, self._config, self._labeller)
        yield part.shard.name, (part.shard, labelled)

    def _labeller(self) -> Labeller:
        labeller: Labeller = self._shared.acquire(
            lambda: Labeller(self._config), tag=self._labelling.settings
        )
        return labeller


class _Gather(beam.DoFn):
    def __init__(self, config: Config, labelling: Labelling) -> None:
        self._config = config
        self._labelling = labelling

    def process(
        self, grouped: tuple[str, Iterable[tuple[Shard, Labelled]]]
    ) -> Iterator[LabelRecord]:
        shards, labelled = zip(*grouped[1], strict=True)
        record = gather_parts(shards[0], labelled, self._labelling, self._config)
        count("samples", record.samples)
        count("rejects", record.rejects)
        count("bytes_read", record.shard.bytes)
        for step, seconds in record.seconds.items():
            count(f"{step}_ms", round(1000 * seconds))
        yield record
