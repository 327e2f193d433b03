"""What is exported: an output's plan, the labels that it was made from, and its manifest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import pyarrow as pa

from transforms.config.schema import Schema, schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.resampling.drawing import weighed
from transforms.resampling.manifest import Manifest
from transforms.storage.files import Storage

ROWS_AT_ONCE = 1 << 16


class DrawnBy(NamedTuple):
    """A plan, what it was made with, and the number of the generation that it is of."""

    plan: Plan
    config: Config
    generation: int


@dataclass(frozen=True)
class Exported:
    """An output as formats are given it.

    config: what the plan was made with. records: of the input's shards, sorted by name. manifest:
    that of the plan's output; None where it is not written. by_generation: of an output that has
    grown, the plan that each input shard was drawn by.
    """

    config: Config
    plan: Plan
    records: tuple[LabelRecord, ...]
    manifest: Manifest | None
    storage: Storage
    by_generation: Mapping[str, DrawnBy] = field(default_factory=dict)

    @cached_property
    def schema(self) -> Schema:
        """What the corpus is labelled with."""
        return schema_of(self.config)

    def rows(self, record: LabelRecord) -> Iterator[pa.Table]:
        """The label rows of an input shard, in their order, 65,536 at a time.

        With what is derived, the weight `q` (float64) and the `copies` (int64) that `resample`
        writes. At least one table, which may be empty. Takes the memory of the shard's label table.
        """
        of = self.planned(record)
        shard = weighed(record, of.plan, of.config, self.storage)
        table = shard.table.append_column("copies", pa.array(shard.copies))
        for first in range(0, max(1, table.num_rows), ROWS_AT_ONCE):
            yield table.slice(first, ROWS_AT_ONCE)

    def planned(self, record: LabelRecord) -> DrawnBy:
        """The plan that the samples of an input shard are weighed by."""
        return self.by_generation.get(record.shard.name, DrawnBy(self.plan, self.config, 0))
