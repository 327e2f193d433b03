"""The histogram of a labelled corpus, for jobs that look at it."""

from collections.abc import Mapping, Sequence

from rich.console import Console

from jobs.state import all_label_records
from jobs.tracking import tracked
from transforms import layout
from transforms.config import Config
from transforms.errors import FairshardError
from transforms.fingerprint import fingerprint
from transforms.histogram import Histogram
from transforms.plan import read_histogram, read_plan
from transforms.records import LabelRecord
from transforms.schema import schema_of
from transforms.shards import find_shards
from transforms.statistics import accumulator_for, count_shard
from transforms.storage import Storage, output_storage

_OF_THE_SOLUTION = frozenset(("config.balance", "config.seed", "calibration"))


def corpus_histogram(config: Config, console: Console) -> Histogram:
    """The histogram of the labelled shards: the plan's where it is of the same, else counted.

    Raises FairshardError where shards are not labelled, or no sample is left to balance.
    """
    storage = output_storage(config.output)
    records = all_label_records(config, find_shards(config.input))
    histogram = _planned(config, records, storage)
    if histogram is None:
        histogram = _counted(config, records, storage, console)
    if histogram.samples == 0:
        raise FairshardError(
            "no sample is left to balance: every one was rejected, or is below "
            "filter.min_similarity; see rejects/ in the output"
        )
    return histogram


def _planned(config: Config, records: Sequence[LabelRecord], storage: Storage) -> Histogram | None:
    if not (storage.exists(layout.PLAN) and storage.exists(layout.PATTERNS)):
        return None
    try:
        plan = read_plan(storage)
    except FairshardError:
        return None
    if _counted_from(plan.fingerprint) != _counted_from(fingerprint(config, records)):
        return None
    return read_histogram(storage, plan.document)[0]


def _counted_from(parts: Mapping[str, str]) -> dict[str, str]:
    """The parts of a fingerprint that the histogram depends on."""
    return {part: value for part, value in parts.items() if part not in _OF_THE_SOLUTION}


def _counted(
    config: Config, records: Sequence[LabelRecord], storage: Storage, console: Console
) -> Histogram:
    total = accumulator_for(schema_of(config))
    shards = (count_shard(record, config, storage) for record in records)
    for counted in tracked(shards, len(records), "counting", console):
        total.merge(counted)
    return total.extract()
