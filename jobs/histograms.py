"""The histogram of a labelled corpus, for jobs that look at it."""

from collections.abc import Sequence

from rich.console import Console

from jobs.tracking import tracked
from transforms import layout
from transforms.calibration import fitting_calibration
from transforms.config import Config
from transforms.errors import FairshardError
from transforms.fingerprint import apart_from, fingerprint
from transforms.histogram import Histogram
from transforms.plan import read_histogram, read_plan
from transforms.records import LabelRecord
from transforms.schema import schema_of
from transforms.statistics import accumulator_for, count_shard
from transforms.storage import Storage, output_storage

_OF_THE_SOLUTION = frozenset(("config.balance", "config.seed", "calibration"))


def corpus_histogram(config: Config, records: Sequence[LabelRecord], console: Console) -> Histogram:
    """The histogram of labelled shards: the plan's where it is of the same, else counted.

    Its attributes are corrected where `config` names a calibration. Raises FairshardError where no
    sample is left to balance.
    """
    storage = output_storage(config.output)
    histogram = _planned(config, records, storage)
    if histogram is None:
        histogram = _counted(config, records, storage, console)
    if histogram.samples == 0:
        raise FairshardError(
            "no sample is left to balance: every one was rejected, or is below "
            "filter.min_similarity; see rejects/ in the output"
        )
    calibration = fitting_calibration(config)
    return calibration.corrected(histogram) if calibration else histogram


def _planned(config: Config, records: Sequence[LabelRecord], storage: Storage) -> Histogram | None:
    if not (storage.exists(layout.PLAN) and storage.exists(layout.PATTERNS)):
        return None
    try:
        plan = read_plan(storage)
    except FairshardError:
        return None
    of_plan, at_hand = (
        apart_from(_OF_THE_SOLUTION, made_from)
        for made_from in (plan.fingerprint, fingerprint(config, records))
    )
    if of_plan != at_hand:
        return None
    return read_histogram(storage, plan.document)[0]


def _counted(
    config: Config, records: Sequence[LabelRecord], storage: Storage, console: Console
) -> Histogram:
    total = accumulator_for(schema_of(config))
    shards = (count_shard(record, config, storage) for record in records)
    for counted in tracked(shards, len(records), "counting", console):
        total.merge(counted)
    return total.extract()
