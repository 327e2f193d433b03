"""The stages on Apache Spark: an element is a descriptor or a small table, never an image."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import lru_cache, partial

from pyspark import SparkContext, TaskContext
from pyspark.resource import ResourceProfileBuilder, TaskResourceRequests

from pipelines.spark.context import gives_gpus, settings_of, spark_context
from pipelines.spark.elements import aggregated, collected, each, together
from pipelines.spark.joining import join_each
from pipelines.spark.secrets import entrust, entrusted
from transforms.config.sections import Config
from transforms.gates.expectations import Table
from transforms.labels.labelling import Labeller
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.resampling.drawing import keep_shard
from transforms.resampling.packing import Kept
from transforms.resampling.records import OutputRecord
from transforms.shards.finding import Shard
from transforms.shards.parts import Part, parts_of
from transforms.stages.engine import Engine
from transforms.stages.labelling import Labelling, joined_records, labelling_of
from transforms.stages.solving import Counting
from transforms.stages.steps import Gathered, Step, merged
from transforms.stages.tasks import (
    Labelled,
    OutputTask,
    advance,
    finish_output,
    first_step,
    gather,
    gather_parts,
    is_uncounted,
    label_part,
    made_plan,
    output_tasks,
    passed_plan,
    write,
)
from transforms.storage.files import output_storage

_GPU = "gpu"
_GATHERERS = 1000

_Written = tuple[list[OutputRecord], Gathered]


def label_shards(
    context: SparkContext, config: Config, shards: Sequence[Shard]
) -> list[LabelRecord]:
    """Shard descriptors to label records; a task a part, large shards first, a GPU a task.

    Tables are then joined to what is recognised, where the configuration has any.
    """
    labelling, given = labelling_of(config, shards), entrust(context, config, shards)
    largest_first = sorted(shards, key=lambda shard: (-shard.bytes, shard.name))
    parts = [
        replace(part, shard=hidden)
        for shard, hidden in zip(largest_first, given.hidden(largest_first), strict=True)
        for part in parts_of(shard, config.input)
    ]
    labelled = each(context, parts).map(partial(_label, labelling))
    if config.model is not None and config.model.device == "cuda" and gives_gpus(context):
        gpu = TaskResourceRequests().cpus(1).resource(_GPU, 1)
        labelled = labelled.withResources(ResourceProfileBuilder().require(gpu).build)
    gathered = labelled.groupByKey(min(len(shards), _GATHERERS)).map(partial(_gather, labelling))
    records = [given.shown_record(record) for record in collected(gathered, len(shards))]
    join = partial(join_each, context, labelling, config)
    return joined_records(records, labelling, config, join)


def solve_plan(
    context: SparkContext, config: Config, records: Sequence[LabelRecord], first: Step
) -> Plan:
    """Label records to the plan, which is written; what workers gather is merged in a tree."""
    given = entrust(context, config, [record.shard for record in records])
    hidden, step = given.hidden_records(records), first
    while step.made is None:
        gathered = _gathered(context, step, hidden)
        step = advance(gathered, step, records, config)
    return made_plan(step)


def _gathered(context: SparkContext, step: Step, records: Sequence[LabelRecord]) -> Gathered:
    """What a step gathers of all shards; the step is broadcast."""
    shared = context.broadcast(step)

    def add(total: Gathered, record: LabelRecord) -> Gathered:
        with entrusted() as given:
            return merged(total, gather(record, shared.value, given.config))

    nothing: Gathered = None
    return aggregated(together(context, records), len(records), nothing, add, merged)


def resample_shards(
    context: SparkContext, config: Config, records: Sequence[LabelRecord], plan: Plan
) -> None:
    """Label records to output shards and their manifest; the plan is broadcast."""
    given = entrust(context, config, [record.shard for record in records])
    hidden, shared = given.hidden_records(records), context.broadcast(plan)

    def keep(record: LabelRecord) -> Kept:
        with entrusted() as given:
            storage = output_storage(given.config.output)
            return keep_shard(record, shared.value, given.config, storage)

    uncounted = [record for record in hidden if is_uncounted(record, plan, config)]
    kept = collected(together(context, uncounted).map(keep), len(uncounted))
    tasks = output_tasks(kept, hidden, plan, config)

    def write_one(written: _Written, task: OutputTask) -> _Written:
        with entrusted() as given:
            origins = {name: given.shown_record(of) for name, of in task.records.items()}
            shown = replace(task, records=origins)
            record, sums = write(shown, shared.value, given.config)
        return merge(written, ([record], sums))

    def merge(one: _Written, other: _Written) -> _Written:
        return one[0] + other[0], merged(one[1], other[1])

    nothing: _Written = ([], None)
    outputs, sums = aggregated(each(context, tasks), len(tasks), nothing, write_one, merge)
    finish_output(sums, records, kept, outputs, plan, config)


class SparkEngine(Engine):
    """Runs the stages as Spark jobs.

    `arguments` are `--master URL`, `--conf KEY=VALUE` and `--spark.KEY=VALUE`. Without a master,
    and outside of spark-submit, Spark runs here on all cores.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self._settings = settings_of(arguments)

    def label(self, config: Config, shards: Sequence[Shard]) -> None:
        """Write the label tables of `shards`."""
        with self.context() as context:
            label_shards(context, config, shards)

    def solve(self, config: Config, records: Sequence[LabelRecord]) -> None:
        """Count the patterns of labelled shards and write the plan."""
        with self.context() as context:
            solve_plan(context, config, records, Counting())

    def resample(self, config: Config, records: Sequence[LabelRecord], plan: Plan) -> None:
        """Write the output shards and the manifest that `plan` asks for."""
        with self.context() as context:
            resample_shards(context, config, records, plan)

    def rebalance(self, config: Config, shards: Sequence[Shard]) -> None:
        """The three stages as one Spark application."""
        with self.context() as context:
            records = label_shards(context, config, shards)
            plan = solve_plan(context, config, records, first_step(config))
            resample_shards(context, config, records, passed_plan(plan, records, config))

    @contextmanager
    def label_tables(
        self, config: Config, records: Sequence[LabelRecord]
    ) -> Iterator[Mapping[str, Table]]:
        """The rows of labelled shards and their metrics, as tables of the cluster."""
        from pipelines.spark.gates import tables_on

        with self.context() as context:
            yield tables_on(context, config, records)

    def context(self) -> AbstractContextManager[SparkContext]:
        """A job's own context."""
        return spark_context(self._settings)


def _label(labelling: Labelling, part: Part) -> tuple[Shard, Labelled]:
    with entrusted() as given:

        def labeller() -> Labeller:
            return _labeller(on_task_gpu(given.config).model_dump_json(round_trip=True))

        shown = replace(part, shard=given.shown(part.shard))
        labelled = label_part(shown, labelling, given.config, labeller)
    if isinstance(labelled, LabelRecord):
        labelled = replace(labelled, shard=part.shard)
    return part.shard, labelled


def _gather(labelling: Labelling, group: tuple[Shard, Iterable[Labelled]]) -> LabelRecord:
    hidden, labelled = group
    with entrusted() as given:
        record = gather_parts(given.shown(hidden), labelled, labelling, given.config)
    return replace(record, shard=hidden)


def on_task_gpu(config: Config) -> Config:
    """`config` with the model on the GPU that Spark gave this task, if it gave one."""
    task = TaskContext.get()
    given = task.resources().get(_GPU) if task is not None else None
    if config.model is None or given is None:
        return config
    model = config.model.model_copy(update={"device": f"cuda:{given.addresses[0]}"})
    return config.model_copy(update={"model": model})


@lru_cache(maxsize=1)
def _labeller(config: str) -> Labeller:
    """The labeller of this Python worker, kept from task to task with its model."""
    return Labeller(Config.model_validate_json(config))
