"""The stages on Apache Beam: an element is a descriptor or a small table, never an image."""

import logging
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.transforms.combiners import ToList
from apache_beam.transforms.environments import SubprocessSDKEnvironment
from apache_beam.utils.shared import Shared

from transforms.config import Config
from transforms.errors import ConfigError, error_in
from transforms.histogram import Histogram, HistogramAccumulator
from transforms.labelling import Labeller, settings_digest
from transforms.parts import Part, parts_of
from transforms.plan import Plan
from transforms.records import LabelRecord, OutputRecord
from transforms.resampling import keep_shard, write_output
from transforms.schema import schema_of
from transforms.shards import Shard
from transforms.stages import (
    Labelled,
    OutputTask,
    finish_output,
    gather_parts,
    label_part,
    output_tasks,
    solve_corpus,
)
from transforms.statistics import accumulator_for, count_shard
from transforms.storage import output_storage


class LabelShards(beam.PTransform[Any, Any]):
    """Shard descriptors to label records; the label tables are written on the way."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config

    def expand(self, shards: Any) -> Any:
        settings = settings_digest(self._config)
        return (
            shards
            | beam.FlatMap(parts_of, self._config.input)
            | beam.Reshuffle()
            | beam.ParDo(_Label(self._config, settings))
            | beam.GroupByKey()
            | beam.ParDo(_Gather(self._config, settings))
        )


class CountPatterns(beam.PTransform[Any, Any]):
    """Label records to the corpus's one histogram."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config

    def expand(self, records: Any) -> Any:
        storage = output_storage(self._config.output)
        return (
            records
            | "CountShard" >> beam.Map(count_shard, self._config, storage)
            | beam.CombineGlobally(_Merge(self._config))
        )


class SolvePlan(beam.PTransform[Any, Any]):
    """The histogram (one element) to the plan (one element), which is written on the way."""

    def __init__(self, config: Config, records: Any) -> None:
        super().__init__()
        self._config = config
        self._records = records

    def expand(self, histogram: Any) -> Any:
        return histogram | beam.Map(solve_corpus, beam.pvalue.AsList(self._records), self._config)


class ResampleShards(beam.PTransform[Any, Any]):
    """Label records to the manifest (one element); output shards are written on the way."""

    def __init__(self, config: Config, plan: Any) -> None:
        super().__init__()
        self._config = config
        self._plan = beam.pvalue.AsSingleton(plan)

    def expand(self, records: Any) -> Any:
        config, plan = self._config, self._plan
        kept = records | beam.Map(keep_shard, plan, config, output_storage(config.output))
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
            | beam.CombineGlobally(_Merge(config))
            | beam.Map(
                finish_output,
                beam.pvalue.AsList(records),
                beam.pvalue.AsList(kept),
                beam.pvalue.AsList(written | beam.Keys()),
                plan,
                config,
            )
        )


class BeamEngine:
    """Runs the stages as Beam jobs; `arguments` are Beam's own command-line options.

    Without a `--runner` among them, Beam's local runner is used, with a process a core; an option
    that Beam does not know is then a ConfigError.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self._embedded = not any(argument.startswith("--runner") for argument in arguments)
        self._arguments = list(arguments)
        if self._embedded:
            _check_known(PipelineOptions(self._arguments))

    def label(self, config: Config, shards: Sequence[Shard]) -> None:
        """Write the label tables of `shards`."""
        with self._pipeline() as pipeline:
            _ = pipeline | beam.Create(shards) | LabelShards(config)

    def solve(self, config: Config, records: Sequence[LabelRecord]) -> None:
        """Count the patterns of labelled shards and write the plan."""
        with self._pipeline() as pipeline:
            labelled = pipeline | beam.Create(records) | beam.Reshuffle()
            _ = labelled | CountPatterns(config) | SolvePlan(config, labelled)

    def resample(self, config: Config, records: Sequence[LabelRecord], plan: Plan) -> None:
        """Write the output shards and the manifest that `plan` asks for."""
        with self._pipeline() as pipeline:
            labelled = pipeline | beam.Create(records) | beam.Reshuffle()
            plans = pipeline | "Plan" >> beam.Create([plan])
            _ = labelled | ResampleShards(config, plans)

    def rebalance(self, config: Config, shards: Sequence[Shard]) -> None:
        """The three stages as one Beam job."""
        with self._pipeline() as pipeline:
            records = pipeline | beam.Create(shards) | LabelShards(config)
            plan = records | CountPatterns(config) | SolvePlan(config, records)
            _ = records | ResampleShards(config, plan)

    def _pipeline(self) -> "_Pipeline":
        if not self._embedded:
            logging.getLogger("apache_beam.runners").setLevel(logging.INFO)
            return _Pipeline(options=PipelineOptions(self._arguments))
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
        command = f"{shlex.quote(sys.executable)} -m pipelines.local_worker"
        workers = SubprocessSDKEnvironment.from_command_string(command)
        options = PipelineOptions(["--direct_num_workers=0", *self._arguments])
        return _Pipeline(runner=FnApiRunner(default_environment=workers), options=options)


class _Pipeline(beam.Pipeline):
    """A pipeline whose workers' FairshardErrors reach the caller as what they are."""

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        try:
            super().__exit__(kind, value, trace)
        except Exception as error:
            found = error_in(str(error))
            if found is None:
                raise
            raise found from error


class _Label(beam.DoFn):
    def __init__(self, config: Config, settings: str) -> None:
        self._config = config
        self._settings = settings
        self._shared = Shared()

    def process(self, part: Part) -> Iterator[tuple[Shard, Labelled]]:
        yield part.shard, label_part(part, self._settings, self._config, self._labeller)

    def _labeller(self) -> Labeller:
        labeller: Labeller = self._shared.acquire(
            lambda: Labeller(self._config), tag=self._settings
        )
        return labeller


class _Gather(beam.DoFn):
    def __init__(self, config: Config, settings: str) -> None:
        self._config = config
        self._settings = settings

    def process(self, labelled: tuple[Shard, Iterable[Labelled]]) -> Iterator[LabelRecord]:
        record = gather_parts(*labelled, self._settings, self._config)
        _count("samples", record.samples)
        _count("rejects", record.rejects)
        _count("bytes_read", record.shard.bytes)
        for step, seconds in record.seconds.items():
            _count(f"{step}_ms", round(1000 * seconds))
        yield record


class _Merge(beam.CombineFn):
    def __init__(self, config: Config) -> None:
        self._schema = schema_of(config)

    def create_accumulator(self) -> HistogramAccumulator:
        return accumulator_for(self._schema)

    def add_input(
        self, total: HistogramAccumulator, part: HistogramAccumulator
    ) -> HistogramAccumulator:
        return total.merge(part)

    def merge_accumulators(self, parts: Iterable[HistogramAccumulator]) -> HistogramAccumulator:
        total = self.create_accumulator()
        for part in parts:
            total.merge(part)
        return total

    def extract_output(self, total: HistogramAccumulator) -> Histogram:
        return total.extract()


class _Write(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config
        self._storage = output_storage(config.output)

    def process(
        self, task: OutputTask, plan: Plan
    ) -> Iterator[tuple[OutputRecord, HistogramAccumulator]]:
        record, patterns = write_output(
            task.output, task.records, plan, self._config, self._storage
        )
        _count("samples_written", record.samples)
        _count("bytes_written", record.bytes)
        for step, seconds in record.seconds.items():
            _count(f"copy_{step}_ms", round(1000 * seconds))
        yield record, patterns


def _check_known(options: PipelineOptions) -> None:
    known = options.get_all_options()
    unknown = options.get_all_options(retain_unknown_options=True).keys() - known.keys()
    if unknown:
        raise ConfigError(
            f"unknown option --{min(unknown)}: neither fairshard nor Beam has it; see "
            "`fairshard rebalance --help` and Beam's pipeline options"
        )


def _count(name: str, number: int) -> None:
    Metrics.counter("fairshard", name).inc(number)
