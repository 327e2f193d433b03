"""The histogram of a labelled corpus, for jobs that look at it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from rich.console import Console

from jobs.session.shard_progress import tracked
from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.calibration.posteriors import fitting_calibration
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.balanceable import nothing_left
from transforms.plan.fingerprint import apart_from, fingerprint
from transforms.plan.plan import Plan, read_histogram, read_plan
from transforms.stages.solving import Counting, Sampling, patterns_of
from transforms.stages.steps import Gathered, merged
from transforms.statistics.counting import Counted
from transforms.statistics.filtering import FilterCounts
from transforms.statistics.histogram import Histogram
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage

_OF_THE_SOLUTION = frozenset(("config.balance", "config.seed", "calibration"))


@dataclass(frozen=True)
class Seen:
    """What is seen of a corpus of `samples`: the histogram of all of them or, where there are too
    many patterns, of a sample, one of 2^level. filtered: what the filter took, where that is known.
    """

    histogram: Histogram
    samples: int
    level: int = 0
    filtered: FilterCounts | None = None

    @property
    def in_words(self) -> str:
        """How many samples and patterns; of a sample, figures are estimates."""
        seen, patterns = self.histogram.samples, len(self.histogram)
        if seen == self.samples:
            return f"{counted(seen, 'sample')} in {counted(patterns, 'pattern')}"
        return (
            f"{counted(seen, 'sample')}, drawn from {self.samples:,}, in "
            f"{counted(patterns, 'pattern')}: figures are "
            "estimates"
        )


def corpus_histogram(config: Config, records: Sequence[LabelRecord], console: Console) -> Seen:
    """The histogram of labelled shards: the plan's where it is of the same, else counted.

    Its attributes are corrected where `config` names a calibration. Raises FairshardError where no
    sample is left to balance.
    """
    storage = output_storage(config.output)
    seen = _planned(config, records, storage) or counted_patterns(config, records, console)
    if seen.histogram.samples == 0:
        raise nothing_left(records, config)
    calibration = fitting_calibration(config)
    return replace(seen, histogram=calibration.corrected(seen.histogram)) if calibration else seen


def _planned(config: Config, records: Sequence[LabelRecord], storage: Storage) -> Seen | None:
    if not (storage.exists(paths.PLAN) and storage.exists(paths.PATTERNS)):
        return None
    try:
        plan = read_plan(storage)
    except FairshardError:
        return None
    of_plan, at_hand = (
        apart_from(_OF_THE_SOLUTION, made_from)
        for made_from in (plan.fingerprint, fingerprint(config, records))
    )
    if of_plan != at_hand or _sampled_otherwise(plan, config):
        return None
    histogram = read_histogram(storage, plan)[0]
    return Seen(histogram, plan.file.samples.balanced)


def _sampled_otherwise(plan: Plan, config: Config) -> bool:
    """Whether a plan was solved on a sample that `config` would not draw."""
    if plan.file.sampled is None:
        return False
    return bool(plan.file.config["balance"]["max_patterns"] != config.balance.max_patterns)


def counted_patterns(config: Config, records: Sequence[LabelRecord], console: Console) -> Seen:
    """The patterns of all samples or, if these are too many, of those that solving would draw.

    As labelled, whatever calibration there is.
    """
    counted = _gathered(Counting(), "counting", config, records, console)
    patterns = patterns_of(counted, config)
    filtered = counted.filtered if isinstance(counted, Counted) else None
    if not patterns.overflowed:
        return Seen(patterns.extract(), patterns.samples, 0, filtered)
    sampling = Sampling.of(patterns.samples, config)
    drawn = patterns_of(_gathered(sampling, "drawing", config, records, console), config)
    return Seen(drawn.extract(), patterns.samples, sampling.level, filtered)


def _gathered(
    step: Counting | Sampling,
    doing: str,
    config: Config,
    records: Sequence[LabelRecord],
    console: Console,
) -> Gathered:
    shards = (step.gather(record, config) for record in records)
    return reduce(merged, tracked(shards, len(records), doing, console), None)
