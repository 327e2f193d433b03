"""What an engine is: it runs the steps of `transforms.stages.tasks`, here or on many machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from transforms.config.sections import Config
    from transforms.gates.expectations import Table
    from transforms.labels.records import LabelRecord
    from transforms.plan.plan import Plan
    from transforms.shards.finding import Shard


class Engine(Protocol):
    """Each stage reads and writes files only, and all can be one job."""

    def label(self, config: Config, shards: Sequence[Shard]) -> None:
        """Write the label tables of `shards`."""

    def solve(self, config: Config, records: Sequence[LabelRecord]) -> None:
        """Count the patterns of labelled shards and write the plan."""

    def resample(self, config: Config, records: Sequence[LabelRecord], plan: Plan) -> None:
        """Write the output shards and the manifest that `plan` asks for."""

    def rebalance(self, config: Config, shards: Sequence[Shard]) -> None:
        """The three stages as one job."""

    def label_tables(
        self, config: Config, records: Sequence[LabelRecord]
    ) -> AbstractContextManager[Mapping[str, Table]]:
        """The tables that the gate after labelling checks, by name, where this engine has them."""
