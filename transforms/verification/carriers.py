"""How many samples carry each name: of all, of those that a filter takes, and of the output."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from transforms.verification.checks import Check
from transforms.verification.evidence import CarrierEntry, ManifestEvidence, PlanEvidence
from transforms.verification.labels import Labelled
from transforms.verification.stated import Stated

Counts = NDArray[np.int64]


@dataclass
class CarrierTally:
    """Samples in all, then by each flag, (1 + m + c,): those that are labelled, and those taken."""

    labelled: Counts
    taken: Counts

    @classmethod
    def empty(cls, stated: Stated) -> Self:
        """Nothing, yet."""
        return cls(*np.zeros((2, 1 + len(stated.columns)), np.int64))

    def add(self, part: Labelled) -> None:
        """Add rows of a label table."""
        flags = part.flags
        self.labelled += [len(flags), *flags.sum(axis=0)]
        taken = flags[~part.balanced]
        self.taken += [len(taken), *taken.sum(axis=0)]


def check_filtered(plan: PlanEvidence, mine: CarrierTally, check: Check) -> None:
    """Compare what a plan says of its filter, if it does, with what was counted."""
    said = plan.filtered
    if said is None:
        return
    if [condition.name for condition in said.conditions] != ["min_similarity"]:
        check.differ("plan.json says of other filters than min_similarity what they took")
        return
    for where, entry, found in (
        ("labelled", said.labelled, mine.labelled),
        ("taken by min_similarity", said.conditions[0].taken, mine.taken),
    ):
        numbers = _numbers(entry)
        if numbers != found.tolist():
            check.differ(
                f"filtered of plan.json says that {where} are, in all and by name, {numbers}; the "
                f"tables have {found.tolist()}"
            )


@dataclass
class GroupTally:
    """How many copies show any attribute of each group."""

    stated: Stated
    shown: dict[str, int]

    @classmethod
    def empty(cls, stated: Stated) -> Self:
        """Nothing, yet."""
        return cls(stated, dict.fromkeys(stated.groups, 0))

    def add(self, part: Labelled, copies: Counts) -> None:
        """Add rows of a label table, each so many times."""
        flags = part.flags
        for group in self.shown:
            members = [number for number, of in enumerate(self.stated.groups) if of == group]
            self.shown[group] += int(copies @ flags[:, members].any(axis=1))


def check_groups(manifest: ManifestEvidence, mine: GroupTally, check: Check) -> None:
    """Compare how much of the output shows each group, where a manifest says it."""
    if manifest.groups is not None and manifest.groups != mine.shown:
        check.differ(
            f"groups of manifest.json is {manifest.groups}, and of the samples written "
            f"{mine.shown} show them"
        )


def _numbers(entry: CarrierEntry) -> list[int]:
    return [entry.samples, *entry.attributes, *entry.labels]
