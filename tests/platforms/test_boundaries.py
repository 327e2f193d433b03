"""What crosses from one Beam worker to another: descriptors, records and tables; never an image."""

import pickle
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.metrics.metric import Metrics
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor
from apache_beam.pvalue import PCollection

from pipelines.beam.engine import ResampleShards, SolvePlan
from pipelines.beam.labelling import LabelShards
from tests.fixtures import config_of, jpeg, write_corpus
from transforms.shards.finding import find_shards
from transforms.stages.labelling import labelling_of
from transforms.stages.solving import most_rounds
from transforms.stages.tasks import first_step

IMAGE = jpeg(0)[:11]
SAMPLES = 400
BYTES_A_SAMPLE = 300
BYTES_A_ROUND = 10_000
SMALL = {
    "Checking",
    "ColumnCounts",
    "Counted",
    "Counting",
    "Drawing",
    "FixedSums",
    "Kept",
    "LabelMetrics",
    "LabelRecord",
    "OutputRecord",
    "OutputTask",
    "Part",
    "PartLabels",
    "Plan",
    "Shard",
    "ShardCounts",
    "ShardDraws",
    "Solved",
    "WrittenCopies",
}


class Crossings(PipelineVisitor):
    """Finds the collections whose elements change worker: what is grouped, and side inputs."""

    def __init__(self) -> None:
        self.found: dict[str, set[PCollection]] = defaultdict(set)

    def visit_transform(self, transform_node: AppliedPTransform) -> None:
        stage = transform_node.full_label.split("/")[0]
        if isinstance(transform_node.transform, beam.GroupByKey):
            self.found[stage] |= set(transform_node.inputs)
        self.found[stage] |= {side.pvalue for side in transform_node.side_inputs}


class Weigh(beam.DoFn):
    """Counts the elements of one crossing, their bytes, images among them, and their types."""

    def __init__(self, stage: str) -> None:
        self._stage = stage

    def process(self, element: Any) -> None:
        content = pickle.dumps(element)
        Metrics.counter(self._stage, "bytes").inc(len(content))
        Metrics.counter(self._stage, "images").inc(IMAGE in content)
        for name in _types_in(element):
            Metrics.counter(self._stage, f"type {name}").inc()


def _types_in(element: Any) -> Iterator[str]:
    if isinstance(element, tuple | list):
        for part in element:
            yield from _types_in(part)
    elif type(element).__module__.startswith("transforms."):
        yield type(element).__name__


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, int]]:
    """What crossed, by stage and name, while a corpus of shards in parts was rebalanced."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, samples=SAMPLES, shards=4)
    config = config_of(folder, input={"shards": "in/*.tar", "part_bytes": 100_000})
    pipeline = beam.Pipeline(runner="FnApiRunner")
    shards = find_shards(config.input)
    records = pipeline | beam.Create(shards) | LabelShards(config, labelling_of(config, shards))
    plan = records | SolvePlan(config, first_step(config))
    _ = records | ResampleShards(config, plan)
    crossings = Crossings()
    pipeline.visit(crossings)
    for stage, collections in crossings.found.items():
        for number, collection in enumerate(collections):
            _ = collection | f"Weigh {stage} {number}" >> beam.ParDo(Weigh(stage))
    result = pipeline.run()
    result.wait_until_finish()
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for counter in result.metrics().query()["counters"]:
        counts[counter.key.metric.namespace][counter.key.metric.name] += counter.committed
    return counts


STAGES = ("LabelShards", "SolvePlan", "ResampleShards")


@pytest.mark.parametrize("stage", STAGES)
def test_no_image_crosses(counted: dict[str, dict[str, int]], stage: str) -> None:
    assert counted[stage]["bytes"] > 0
    assert counted[stage]["images"] == 0


@pytest.mark.parametrize("stage", STAGES)
def test_what_crosses_is_small(counted: dict[str, dict[str, int]], stage: str) -> None:
    """A few bytes a sample and, of each round of solving, what it begins with: the plan at most."""
    types = {name.removeprefix("type ") for name in counted[stage] if name.startswith("type ")}
    assert types <= SMALL
    rounds = most_rounds(config_of(Path())) if stage == "SolvePlan" else 1
    assert counted[stage]["bytes"] < SAMPLES * BYTES_A_SAMPLE + rounds * BYTES_A_ROUND


def test_parts_of_shards_cross_as_label_rows(counted: dict[str, dict[str, int]]) -> None:
    assert counted["LabelShards"]["type PartLabels"] > 4
