"""The stages on Apache Beam: an element is a descriptor or a small table, never an image."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.combiners import ToList

from pipelines.beam.counters import count
from pipelines.beam.labelling import LabelShards
from pipelines.beam.local_runner import LocalRunner
from pipelines.beam.runners import (
    check_complete,
    check_known,
    check_values,
    is_local,
    prepare,
    runner_of,
    told,
)
from transforms.config.sections import Config
from transforms.gates.expectations import Table
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.resampling.drawing import keep_shard
from transforms.resampling.output_moments import WrittenCopies
from transforms.resampling.records import OutputRecord
from transforms.shards.finding import Shard
from transforms.stages.engine import Engine
from transforms.stages.labelling import labelling_of
from transforms.stages.solving import Counting, most_rounds
from transforms.stages.steps import Gathered, Step, merged
from transforms.stages.tasks import (
    OutputTask,
    advance,
    finish_output,
    first_step,
    gather,
    is_uncounted,
    made_plan,
    output_tasks,
    passed_plan,
    write,
)
from transforms.storage.files import output_storage


class SolvePlan(beam.PTransform[Any, Any]):
    """Label records to the plan (one element), which is written on the way.

    As many rounds as may be needed; what is left to do when the plan is made takes no work.
    """

    def __init__(self, config: Config, first: Step) -> None:
        super().__init__()
        self._config = config
        self._first = first

    def expand(self, records: Any) -> Any:
        step = records.pipeline | beam.Create([self._first])
        for number in range(1, most_rounds(self._config) + 1):
            step = records | f"Round{number}" >> _Round(self._config, step)
        return step | beam.Map(made_plan)


class _Round(beam.PTransform[Any, Any]):
    """Label records to the step (one element) that follows `step`."""

    def __init__(self, config: Config, step: Any) -> None:
        super().__init__()
        self._config = config
        self._step = beam.pvalue.AsSingleton(step)

    def expand(self, records: Any) -> Any:
        return (
            records
            | beam.Map(gather, self._step, self._config)
            | beam.CombineGlobally(_MergeGathered(merged))
            | beam.Map(advance, self._step, beam.pvalue.AsList(records), self._config)
        )


class ResampleShards(beam.PTransform[Any, Any]):
    """Label records to the manifest (one element); output shards are written on the way."""

    def __init__(self, config: Config, plan: Any) -> None:
        super().__init__()
        self._config = config
        self._plan = beam.pvalue.AsSingleton(plan)

    def expand(self, records: Any) -> Any:
        config, plan = self._config, self._plan
        uncounted = records | beam.Filter(is_uncounted, plan, config)
        kept = uncounted | beam.Map(keep_shard, plan, config, output_storage(config.output))
        written = (
            kept
            | ToList()
            | beam.FlatMap(output_tasks, beam.pvalue.AsList(records), plan, config)
            | beam.Reshuffle()
            | beam.ParDo(_Write(config), plan)
        )
        return (
            written
            | beam.Values()
            | beam.CombineGlobally(_MergeGathered(merged))
            | beam.Map(
                finish_output,
                beam.pvalue.AsList(records),
                beam.pvalue.AsList(kept),
                beam.pvalue.AsList(written | beam.Keys()),
                plan,
                config,
            )
        )


class BeamEngine(Engine):
    """Runs the stages as Beam jobs; `arguments` are Beam's own command-line options.

    Without a `--runner` among them, or with `DirectRunner`, Beam's local runner is used, with a
    process a core; an option that Beam does not know is then a ConfigError. So is, always, a runner
    that there is not, or that lacks an option.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        options = PipelineOptions(list(arguments))
        check_values(options)
        self._runner = runner_of(options)
        self._local = is_local(self._runner, options)
        self._arguments = [*arguments, f"--runner={self._runner}"]
        if self._local:
            check_known(options)
        else:
            check_complete(self._runner, options)

    def label(self, config: Config, shards: Sequence[Shard]) -> None:
        """Write the label tables of `shards`."""
        with self.pipeline() as pipeline:
            labelling = labelling_of(config, shards)
            _ = pipeline | beam.Create(shards) | LabelShards(config, labelling)

    def solve(self, config: Config, records: Sequence[LabelRecord]) -> None:
        """Count the patterns of labelled shards and write the plan."""
        with self.pipeline() as pipeline:
            labelled = pipeline | beam.Create(records) | beam.Reshuffle()
            _ = labelled | SolvePlan(config, Counting())

    def resample(self, config: Config, records: Sequence[LabelRecord], plan: Plan) -> None:
        """Write the output shards and the manifest that `plan` asks for."""
        with self.pipeline() as pipeline:
            labelled = pipeline | beam.Create(records) | beam.Reshuffle()
            plans = pipeline | "Plan" >> beam.Create([plan])
            _ = labelled | ResampleShards(config, plans)

    def rebalance(self, config: Config, shards: Sequence[Shard]) -> None:
        """The three stages as one Beam job."""
        with self.pipeline() as pipeline:
            labelling = labelling_of(config, shards)
            records = pipeline | beam.Create(shards) | LabelShards(config, labelling)
            solved = records | SolvePlan(config, first_step(config))
            plan = solved | "PassPlan" >> beam.Map(passed_plan, beam.pvalue.AsList(records), config)
            _ = records | ResampleShards(config, plan)

    @contextmanager
    def label_tables(
        self, config: Config, records: Sequence[LabelRecord]
    ) -> Iterator[Mapping[str, Table]]:
        """The merged metrics of labelled shards, as tables of this process."""
        from pipelines.beam.gates import MeasureLabels, measured

        with self.pipeline() as pipeline:
            _ = pipeline | beam.Create(records) | beam.Reshuffle() | MeasureLabels(config)
        yield measured(config, records)

    def pipeline(self) -> "_Pipeline":
        """A pipeline of this engine, which runs at the end of its block."""
        if not self._local:
            logging.getLogger("apache_beam.runners").setLevel(logging.INFO)
            options = PipelineOptions(self._arguments)
            prepare(self._runner, options)
            return _Pipeline(options=options)
        for library in ("apache_beam", "grpc"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
        options = PipelineOptions(["--direct_num_workers=0", *self._arguments])
        return _Pipeline(runner=LocalRunner(), options=options)


class _Pipeline(beam.Pipeline):
    """A pipeline whose workers' errors, and its runner's, reach the caller as what they are.

    Beam's temporary folder of it is for transforms in other languages, of which we have none: a run
    that is killed would leave it.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        Path(self.local_tempdir).rmdir()

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        try:
            super().__exit__(kind, value, trace)
        except Exception as error:
            found = told(error, type(self.runner).__name__)
            if found is error:
                raise
            raise found from error


class _MergeGathered(beam.CombineFn):
    def __init__(self, merge: Callable[[Gathered, Gathered], Gathered]) -> None:
        self._merge = merge

    def create_accumulator(self) -> Gathered:
        return None

    def add_input(self, total: Gathered, part: Gathered) -> Gathered:
        return self._merge(total, part)

    def merge_accumulators(self, parts: Iterable[Gathered]) -> Gathered:
        return reduce(self._merge, parts, None)

    def extract_output(self, total: Gathered) -> Gathered:
        return total


class _Write(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, task: OutputTask, plan: Plan) -> Iterator[tuple[OutputRecord, WrittenCopies]]:
        record, sums = write(task, plan, self._config)
        count("samples_written", record.samples)
        count("bytes_written", record.bytes)
        for step, seconds in record.seconds.items():
            count(f"copy_{step}_ms", round(1000 * seconds))
        yield record, sums
