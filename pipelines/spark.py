"""The stages on Apache Spark: an element is a descriptor or a small table, never an image."""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark import RDD, SparkConf, SparkContext, TaskContext
from pyspark.errors import PySparkException
from pyspark.resource import ResourceProfileBuilder, TaskResourceRequests

from transforms.config import Config
from transforms.errors import ConfigError, FairshardError, error_in
from transforms.labelling import Labeller, settings_digest
from transforms.parts import Part, parts_of
from transforms.plan import Plan
from transforms.records import LabelRecord, OutputRecord
from transforms.resampling import keep_shard, write_output
from transforms.shards import Shard
from transforms.solving import Counting, Gathered, Step, merged
from transforms.stages import (
    Labelled,
    OutputTask,
    advance,
    finish_output,
    first_step,
    gather,
    gather_parts,
    label_part,
    made_plan,
    output_tasks,
    passed_plan,
)
from transforms.storage import output_storage

_LOG_SETTINGS = Path(__file__).with_name("log4j2-local.properties")
_LOCAL = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={_LOG_SETTINGS.as_uri()}",
    "spark.ui.enabled": "false",
}
_GPU = "gpu"
_GATHERERS = 1000
_ALWAYS = {"spark.ui.showConsoleProgress": "false"}

_Written = tuple[list[OutputRecord], Gathered]


def label_shards(
    context: SparkContext, config: Config, shards: Sequence[Shard]
) -> list[LabelRecord]:
    """Shard descriptors to label records; a task a part, large shards first, a GPU a task."""
    settings = settings_digest(config)
    largest_first = sorted(shards, key=lambda shard: (-shard.bytes, shard.name))
    parts = [part for shard in largest_first for part in parts_of(shard, config.input)]
    labelled = _each(context, parts).map(partial(_label, settings, config))
    if config.model is not None and config.model.device == "cuda":
        gpu = TaskResourceRequests().cpus(1).resource(_GPU, 1)
        labelled = labelled.withResources(ResourceProfileBuilder().require(gpu).build)
    return (
        labelled.groupByKey(min(len(shards), _GATHERERS))
        .map(lambda group: gather_parts(*group, settings, config))
        .collect()
    )


def solve_plan(
    context: SparkContext, config: Config, records: Sequence[LabelRecord], first: Step
) -> Plan:
    """Label records to the plan, which is written; what workers gather is merged in a tree."""
    step = first
    while step.made is None:
        gathered = _gathered(context, step, config, records)
        step = advance(gathered, step, records, config)
    return made_plan(step)


def _gathered(
    context: SparkContext, step: Step, config: Config, records: Sequence[LabelRecord]
) -> Gathered:
    """What a step gathers of all shards; the step is broadcast."""
    shared = context.broadcast(step)

    def add(total: Gathered, record: LabelRecord) -> Gathered:
        return merged(total, gather(record, shared.value, config))

    return _together(context, records).treeAggregate(None, add, merged)


def resample_shards(
    context: SparkContext, config: Config, records: Sequence[LabelRecord], plan: Plan
) -> None:
    """Label records to output shards and their manifest; the plan is broadcast."""
    shared, storage = context.broadcast(plan), output_storage(config.output)
    kept = (
        _together(context, records)
        .map(lambda record: keep_shard(record, shared.value, config, storage))
        .collect()
    )
    tasks = output_tasks(kept, records, plan, config)

    def write(written: _Written, task: OutputTask) -> _Written:
        record, sums = write_output(task.output, task.records, shared.value, config, storage)
        return merge(written, ([record], sums))

    def merge(one: _Written, other: _Written) -> _Written:
        return one[0] + other[0], merged(one[1], other[1])

    nothing: _Written = ([], None)
    outputs, sums = _each(context, tasks).treeAggregate(nothing, write, merge)
    finish_output(sums, records, kept, outputs, plan, config)


class SparkEngine:
    """Runs the stages as Spark jobs.

    `arguments` are `--master URL`, `--conf KEY=VALUE` and `--spark.KEY=VALUE`. Without a master,
    and outside of spark-submit, Spark runs here on all cores.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self._settings = _settings_of(arguments)

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
    def context(self) -> Iterator[SparkContext]:
        """A job's own context."""
        _prepare(self._settings)
        settings = SparkConf().setAppName("fairshard").setAll(list(self._settings.items()))
        context = SparkContext.getOrCreate(settings)
        try:
            yield context
        except (PySparkException, Py4JError) as error:
            raise error_in(str(error)) or error from error
        finally:
            context.stop()


def _together(context: SparkContext, elements: Sequence[Any]) -> RDD[Any]:
    """A few tasks for each core, of elements that take less time than a task of their own."""
    tasks = min(len(elements), 4 * context.defaultParallelism)
    return context.parallelize(elements, max(1, tasks))


def _each(context: SparkContext, elements: Sequence[Any]) -> RDD[Any]:
    """A task for each element."""
    return context.parallelize(elements, max(1, len(elements)))


def _label(settings: str, config: Config, part: Part) -> tuple[Shard, Labelled]:
    def labeller() -> Labeller:
        return _labeller(on_task_gpu(config).model_dump_json(round_trip=True))

    return part.shard, label_part(part, settings, config, labeller)


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


def _settings_of(arguments: Sequence[str]) -> dict[str, str]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--master")
    parser.add_argument("--conf", action="append", default=[])
    known, others = parser.parse_known_args(arguments)
    given = [*known.conf, *(other.removeprefix("--") for other in others)]
    for pair in given:
        if not pair.startswith("spark.") or "=" not in pair:
            raise ConfigError(
                f"unknown option {pair}: Spark takes --master URL and --conf spark.KEY=VALUE"
            )
    master = known.master or (None if _submitted() else "local[*]")
    local = _LOCAL if _is_local(master) else {}
    settings = {**_ALWAYS, **local, **dict(pair.split("=", 1) for pair in given)}
    return settings if master is None else {**settings, "spark.master": master}


def _submitted() -> bool:
    """Whether spark-submit started this process, and with it the Java side."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _is_local(master: str | None) -> bool:
    return master is not None and master.startswith("local")


def _prepare(settings: Mapping[str, str]) -> None:
    """Check for Java, and let Spark's Python workers be this Python, unless told otherwise."""
    if _submitted():
        return
    home = os.environ.get("JAVA_HOME")
    if shutil.which(str(Path(home, "bin", "java")) if home else "java") is None:
        raise FairshardError(
            "Spark needs Java 17 or newer, and none was found: install it (Debian: apt-get install "
            "openjdk-17-jre-headless) or set JAVA_HOME; the beam engine needs none"
        )
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if _is_local(settings.get("spark.master")):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
