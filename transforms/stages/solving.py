"""Solving for a corpus in rounds: workers gather something of every shard, one process goes on.

A corpus of no more than `balance.max_patterns` patterns takes one round, which counts them: the
histogram is exact, and so is the plan. A larger one is counted again, a part of its rows; the plan
is solved on these, and polished by passes over all rows (transforms/plan/polishing.py). In the end
the corpus is drawn (transforms/stages/drawing.py). Each round's step is small, and is sent to all
workers; what they gather is merged in any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from transforms.base.errors import FairshardError
from transforms.config.schema import schema_of
from transforms.config.sections import AUTO, Config
from transforms.gates.metrics import LabelMetrics
from transforms.gates.metrics import measure_shard as measure_labels
from transforms.labels.records import LabelRecord
from transforms.labels.rejects import check_rejects
from transforms.labels.tables import parquet_bytes
from transforms.plan.passes import Pass, Weighing, measure_shard
from transforms.plan.plan import Plan, publish_patterns, read_histogram
from transforms.plan.plan_file import RateFound
from transforms.plan.written_part import WrittenPart
from transforms.resampling.candidates import Eligibility
from transforms.stages.doing import begin_drawing
from transforms.stages.drawing import Drawing, Remaking, Trial
from transforms.stages.growing import written_before
from transforms.stages.steps import Gathered, Step
from transforms.statistics.counting import (
    Counted,
    accumulator_for,
    count_shard,
    filter_counts,
    sample_shard,
)
from transforms.statistics.exact_sums import FixedSums
from transforms.statistics.filtering import FilterCounts
from transforms.statistics.histogram import Histogram, HistogramAccumulator
from transforms.statistics.moments import Moments
from transforms.statistics.pattern_tables import histogram_table
from transforms.statistics.subsampling import level_for
from transforms.storage import paths
from transforms.storage.files import output_storage

if TYPE_CHECKING:
    from transforms.plan.polishing import Subsample

MOST_PASSES = 8
_PASSES_AGAIN = 3
_RATES_AGAIN = 2


def most_rounds(config: Config) -> int:
    """How many rounds solving may take."""
    again = _RATES_AGAIN * (_PASSES_AGAIN + 1) + 1 if config.balance.eta == AUTO else 0
    return 3 + MOST_PASSES + 1 + again


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
        return _solved(counted.extract(), records, config, filtered)


@dataclass(frozen=True)
class Recounted(Remaking):
    """The plan is made of the histogram that is on file. filtered: what the filter took."""

    most = 6
    filtered: FilterCounts | None

    def at(
        self,
        found: RateFound,
        plan: Plan,
        tried: tuple[Trial, ...],
        records: Sequence[LabelRecord],
        config: Config,
    ) -> Step:
        """Drawing."""
        histogram, _ = read_histogram(output_storage(config.output), plan)
        return _solved(histogram, records, config, self.filtered, found, tried)


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
        return Polishing(self, weighing, upper, written)


@dataclass(frozen=True)
class Polishing(Step):
    """Measure all rows under weights that were solved for on the sample.

    upper is the bound on the rate, where that is left open. written: what generations before
    wrote, if any did. passes are those made. tried: the rates that were drawn at before.
    """

    sampling: Sampling
    weighing: Weighing
    upper: float | None
    written: WrittenPart | None = None
    passes: tuple[Pass, ...] = ()
    tried: tuple[Trial, ...] = ()

    def gather(self, record: LabelRecord, config: Config) -> Gathered:
        """The sums of `transforms.plan.passes.Measured` over the shard."""
        return measure_shard(record, self.weighing, config, output_storage(config.output))

    def advance(self, gathered: Gathered, records: Sequence[LabelRecord], config: Config) -> Step:
        """Better weights; the plan, once they will do or the last pass is made."""
        if not isinstance(gathered, FixedSums):
            raise FairshardError("there is no labelled shard to measure: run `fairshard label`")
        from transforms.plan.polishing import Subsample

        sample = Subsample.read(self.weighing, config, self.written)
        found = sample.judged(self.weighing, gathered)
        made = replace(self, passes=(*self.passes, found))
        most = _PASSES_AGAIN if self.tried else MOST_PASSES
        if not found.good and len(made.passes) < most:
            attainable = self.upper != 0
            return replace(made, weighing=sample.improved(found, config, attainable))
        return made.drawing(sample, records, config)

    def drawing(
        self, sample: "Subsample", records: Sequence[LabelRecord], config: Config
    ) -> Drawing:
        """Drawing by the plan of the best weights that a pass was made under."""
        from transforms.plan.polishing import best_of

        drawn = self.sampling
        plan, patterns = sample.plan(
            self.passes,
            self.upper,
            drawn.samples,
            drawn.level,
            records,
            config,
            drawn.filtered,
        )
        wanted = best_of(self.passes).measured.after
        remaking = Resolved(self) if self.upper else None
        return _drawing(plan, patterns, sample.histogram, wanted, config, remaking, self.tried)


@dataclass(frozen=True)
class Resolved(Remaking):
    """The plan is made of the sample that is on file, and polished again, as `polished` was."""

    most = _RATES_AGAIN + 1
    polished: Polishing

    def at(
        self,
        found: RateFound,
        plan: Plan,
        tried: tuple[Trial, ...],
        records: Sequence[LabelRecord],
        config: Config,
    ) -> Step:
        """Polishing; drawing at once, where the rate is that of the passes made."""
        from transforms.plan.polishing import Subsample, best_of

        best = best_of(self.polished.passes)
        sample = Subsample.read(best.weighing, config, self.polished.written)
        again = replace(self.polished, tried=tried)
        if found.rate == best.weighing.terms.eta:
            return again.drawing(sample, records, config)
        return replace(again, weighing=sample.improved(best, config, rate=found.rate), passes=())


def patterns_of(gathered: Gathered, config: Config) -> HistogramAccumulator:
    """The patterns gathered: none, where there is no shard."""
    if isinstance(gathered, Counted):
        return gathered.patterns
    if isinstance(gathered, HistogramAccumulator):
        return gathered
    return accumulator_for(schema_of(config))


def _solved(
    histogram: Histogram,
    records: Sequence[LabelRecord],
    config: Config,
    filtered: FilterCounts | None,
    found: RateFound | None = None,
    tried: tuple[Trial, ...] = (),
) -> Step:
    """Drawing by the plan of all patterns, at the rate that is `found` where that is given."""
    from transforms.plan.make import make_plan

    written = written_before(records, config)
    plan, patterns = make_plan(histogram, records, config, filtered, written, found)
    q = patterns.column("q").to_numpy()
    wanted = Moments.of_corpus(plan.corrected(histogram), plan.terms.attributes, q)
    remaking = Recounted(filtered) if plan.file.largest_rate else None
    return _drawing(plan, patterns, histogram, wanted, config, remaking, tried)


def _drawing(
    plan: Plan,
    patterns: pa.Table,
    histogram: Histogram,
    wanted: Moments,
    config: Config,
    remaking: Remaking | None,
    tried: tuple[Trial, ...],
) -> Drawing:
    """Drawing by a plan that was solved on `histogram`, once its patterns are written."""
    storage = output_storage(config.output)
    publish_patterns(plan, patterns, storage)
    begin_drawing(storage)
    times = plan.file.samples.balanced / plan.solved_on
    choice = Eligibility.of(wanted, histogram, patterns.column("q").to_numpy(), times)
    return Drawing(plan, wanted, choice, remaking, tried)
