"""Solving for a corpus in rounds: workers gather something of every shard, one process goes on.

A corpus of no more than `balance.max_patterns` patterns takes one round, which counts them: the
histogram is exact, and so is the plan. A larger one is counted again, a part of its rows; the plan
is solved on these, and polished by passes over all rows (transforms/plan/polishing.py). Each
round's step is small, and is sent to all workers; what they gather is merged in any order.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import pyarrow as pa

from transforms.base.errors import FairshardError
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.gates.metrics import LabelMetrics
from transforms.gates.metrics import measure_shard as measure_labels
from transforms.labels.records import LabelRecord
from transforms.labels.rejects import check_rejects
from transforms.labels.tables import parquet_bytes
from transforms.plan.passes import Pass, Weighing, measure_shard
from transforms.plan.plan import Plan, write_plan
from transforms.stages.growing import written_before
from transforms.statistics.counting import (
    Counted,
    accumulator_for,
    count_shard,
    filter_counts,
    sample_shard,
)
from transforms.statistics.exact_sums import FixedSums
from transforms.statistics.filtering import FilterCounts
from transforms.statistics.histogram import HistogramAccumulator
from transforms.statistics.mergeable import Mergeable
from transforms.statistics.pattern_tables import histogram_table
from transforms.statistics.subsampling import level_for
from transforms.storage import paths
from transforms.storage.files import output_storage

MOST_PASSES = 8
ROUNDS = 3 + MOST_PASSES

Gathered = Mergeable | None


class Step(ABC):
    """What is to be done with every shard, and then with what that gave."""

    @property
    def made(self) -> Plan | None:
        """The plan, where there is nothing more to do."""
        return None

    @abstractmethod
    def gather(self, record: LabelRecord, config: Config) -> Gathered:
        """What this step needs of one labelled shard."""

    @abstractmethod
    def advance(self, gathered: Gathered, records: Sequence[LabelRecord], config: Config) -> "Step":
        """The next step, by what was gathered of all shards."""


@dataclass(frozen=True)
class Solved(Step):
    """The plan is made, and written."""

    plan: Plan

    @property
    def made(self) -> Plan | None:
        """The plan."""
        return self.plan

    def gather(self, record: LabelRecord, config: Config) -> Gathered:
        """Nothing."""
        return None

    def advance(self, gathered: Gathered, records: Sequence[LabelRecord], config: Config) -> Step:
        """The same."""
        return self


@dataclass(frozen=True)
class Checking(Step):
    """Measure the label tables, and let those alone through that pass their gate."""

    def gather(self, record: LabelRecord, config: Config) -> Gathered:
        """The metrics of the shard's table."""
        return measure_labels(record, schema_of(config), output_storage(config.output))

    def advance(self, gathered: Gathered, records: Sequence[LabelRecord], config: Config) -> Step:
        """Counting; GateError where a critical expectation is not met."""
        from transforms.gates.gating import check_labels
        from transforms.gates.results import require

        check_rejects(records, config)
        metrics = gathered if isinstance(gathered, LabelMetrics) else LabelMetrics()
        require(check_labels(metrics, records, config))
        return Counting()


@dataclass(frozen=True)
class Counting(Step):
    """Count all patterns, if they are not too many."""

    def gather(self, record: LabelRecord, config: Config) -> Gathered:
        """The shard's patterns, and what the filter takes of it."""
        filtered = filter_counts(config)
        patterns = count_shard(record, config, output_storage(config.output), filtered)
        return Counted(patterns, filtered)

    def advance(self, gathered: Gathered, records: Sequence[LabelRecord], config: Config) -> Step:
        """The plan or, where patterns are too many, a sample."""
        counted = patterns_of(gathered, config)
        filtered = gathered.filtered if isinstance(gathered, Counted) else None
        if counted.overflowed:
            return Sampling.of(counted.samples, config, filtered)
        from transforms.plan.make import make_plan

        return _written(
            *make_plan(
                counted.extract(), records, config, filtered, written_before(records, config)
            ),
            config,
        )


@dataclass(frozen=True)
class Sampling(Step):
    """Count the patterns of one row of 2^level of `samples`.

    filtered: what the filter took of all that are labelled, where there is one.
    """

    samples: int
    level: int
    filtered: FilterCounts | None = None

    @classmethod
    def of(cls, samples: int, config: Config, filtered: FilterCounts | None = None) -> Self:
        """As many rows as there may be patterns, at most, but for chance."""
        return cls(samples, level_for(samples, config.balance.max_patterns), filtered)

    def gather(self, record: LabelRecord, config: Config) -> Gathered:
        """The patterns of those rows of the shard that are drawn."""
        return sample_shard(record, self.level, config, output_storage(config.output))

    def advance(self, gathered: Gathered, records: Sequence[LabelRecord], config: Config) -> Step:
        """Solve on the sample, and keep it for the steps to come."""
        from transforms.plan.polishing import first_weighing

        histogram = patterns_of(gathered, config).extract()
        written, share = written_before(records, config), histogram.samples / self.samples
        weighing, upper = first_weighing(histogram, records, config, self.filtered, written, share)
        table = parquet_bytes(histogram_table(histogram))
        output_storage(config.output).publish(paths.SAMPLE, table)
        return Polishing(self, weighing, upper)


@dataclass(frozen=True)
class Polishing(Step):
    """Measure all rows under weights that were solved for on the sample.

    upper is the bound on the rate, where that is left open. passes are those made.
    """

    sampling: Sampling
    weighing: Weighing
    upper: float | None
    passes: tuple[Pass, ...] = ()

    def gather(self, record: LabelRecord, config: Config) -> Gathered:
        """The sums of `transforms.plan.passes.Measured` over the shard."""
        return measure_shard(record, self.weighing, config, output_storage(config.output))

    def advance(self, gathered: Gathered, records: Sequence[LabelRecord], config: Config) -> Step:
        """Better weights; the plan, once they will do or the last pass is made."""
        if not isinstance(gathered, FixedSums):
            raise FairshardError("there is no labelled shard to measure: run `fairshard label`")
        from transforms.plan.polishing import Subsample

        sample = Subsample.read(self.weighing, config, written_before(records, config))
        found = sample.judged(self.weighing, gathered)
        made = replace(self, passes=(*self.passes, found))
        if not found.good and len(made.passes) < MOST_PASSES:
            return replace(made, weighing=sample.improved(found, config))
        drawn = self.sampling
        return _written(
            *sample.plan(
                made.passes,
                self.upper,
                drawn.samples,
                drawn.level,
                records,
                config,
                drawn.filtered,
            ),
            config,
        )


def merged(one: Gathered, other: Gathered) -> Gathered:
    """What both hold; None holds nothing. The first may be changed."""
    if one is None or other is None:
        return other if one is None else one
    return one.merge(other)


def patterns_of(gathered: Gathered, config: Config) -> HistogramAccumulator:
    """The patterns gathered: none, where there is no shard."""
    if isinstance(gathered, Counted):
        return gathered.patterns
    if isinstance(gathered, HistogramAccumulator):
        return gathered
    return accumulator_for(schema_of(config))


def _written(plan: Plan, patterns: pa.Table, config: Config) -> Solved:
    storage = output_storage(config.output)
    write_plan(plan, patterns, storage)
    storage.delete(paths.SAMPLE)
    return Solved(plan)
