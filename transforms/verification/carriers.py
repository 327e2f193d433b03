"""How many samples carry each name: of all, of those that a filter takes, and of the output."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from transforms.verification.checks import Check
from transforms.verification.evidence import ManifestEvidence
from transforms.verification.labels import Labelled
from transforms.verification.plan_evidence import (
    CarrierEntry,
    PlanEvidence,
)
from transforms.verification.stated import Stated

Counts = NDArray[np.int64]


@dataclass
class CarrierTally:
    """Samples in all, then by each flag, (1 + m + c,): those that are labelled, those that the
    filter takes, and those that each condition takes, (conditions, 1 + m + c); samples that lack a
    value, (conditions,).
    """

    labelled: Counts
    together: Counts
    taken: Counts
    lacking: Counts

    @classmethod
    def empty(cls, stated: Stated, conditions: int) -> Self:
        """Nothing, yet."""
        flags = 1 + len(stated.columns)
        return cls(
            np.zeros(flags, np.int64),
            np.zeros(flags, np.int64),
            np.zeros((conditions, flags), np.int64),
            np.zeros(conditions, np.int64),
        )

    def add(self, part: Labelled) -> None:
        """Add rows of a label table."""
        flags = part.flags
        self.labelled += _carriers(flags)
        self.together += _carriers(flags[~part.balanced])
        for number, lacking in enumerate(part.passing.lacking):
            self.taken[number] += _carriers(flags[~part.passing.passed[number]])
            self.lacking[number] += lacking


def check_filtered(plan: PlanEvidence, mine: CarrierTally, check: Check) -> None:
    """Compare what a plan says of its filter, if it does, with what was counted."""
    said = plan.filtered
    if said is None:
        return
    asked = [entry.place for entry in plan.config.filter]
    if len(said.conditions) != len(asked) or not all(
        f"{condition.name} ".startswith(f"{name} ")
        for condition, name in zip(said.conditions, asked, strict=True)
    ):
        check.differ(f"plan.json says of other filters than {', '.join(asked)} what they took")
        return
    entries = [("labelled", said.labelled, mine.labelled)]
    entries += [
        (f"taken by {condition.name}", condition.taken, taken)
        for condition, taken in zip(said.conditions, mine.taken, strict=True)
    ]
    if said.together is not None:
        entries.append(("taken by all conditions together", said.together, mine.together))
    for where, entry, found in entries:
        numbers = _numbers(entry)
        if numbers != found.tolist():
            check.differ(
                f"filtered of plan.json says that {where} are, in all and by name, {numbers}; the "
                f"tables have {found.tolist()}"
            )
    for condition, lacking in zip(said.conditions, mine.lacking.tolist(), strict=True):
        if condition.lacking not in (None, lacking):
            check.differ(
                f"filtered of plan.json says that {condition.lacking:,} samples have no value for "
                f"{condition.name}; in the tables {lacking:,} have none"
            )


def _carriers(flags: NDArray[np.bool_]) -> Counts:
    return np.array([len(flags), *flags.sum(axis=0)], np.int64)


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
