"""What solving for a corpus takes, round by round: a step is sent to all workers, which gather."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.statistics.mergeable import Mergeable

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


def merged(one: Gathered, other: Gathered) -> Gathered:
    """What both hold; None holds nothing. The first may be changed."""
    if one is None or other is None:
        return other if one is None else one
    return one.merge(other)
