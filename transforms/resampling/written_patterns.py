"""The patterns of what an output holds, counted again from its labels and its plan."""

from collections.abc import Sequence

import numpy as np

from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.resampling.drawing import weighed
from transforms.statistics.counting import accumulator_for
from transforms.statistics.histogram import Histogram
from transforms.storage.files import Storage


def count_written(
    records: Sequence[LabelRecord], plan: Plan, config: Config, storage: Storage
) -> Histogram:
    """The patterns of the copies that labelled shards give, all of utility 1, shard by shard."""
    total = accumulator_for(schema_of(config))
    for record in records:
        shard = weighed(record, plan, config, storage)
        taken = np.flatnonzero(shard.copies)
        total.add_rows(shard.flags[taken], np.ones(len(taken)), shard.copies[taken])
    return total.extract()
