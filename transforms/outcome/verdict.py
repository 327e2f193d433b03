"""Whether what was asked for is met, in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from transforms.outcome.artefacts import Artefacts
from transforms.outcome.measure_rows import MeasureRow, PlannedRow, planned_rows
from transforms.outcome.shares import bounded_shares
from transforms.outcome.status import SAMPLING_ERROR
from transforms.plan.plan import Plan


@dataclass(frozen=True)
class Verdict:
    """The report's first sentence; tone colours it. met: a run that ends with this has done all."""

    sentence: str
    tone: Literal["met", "partly", "missed"]

    @property
    def met(self) -> bool:
        """Whether what was asked for is met, by the output to within sampling error."""
        return self.tone == "met"


def verdict_of(artefacts: Artefacts, rows: Sequence[MeasureRow]) -> Verdict:
    """Whether what was asked for is met: by the plan, and by the output as measured."""
    planned = plan_verdict(artefacts.plan, planned_rows(artefacts.plan))
    if not planned.met:
        return planned
    by_plan = planned.sentence.removesuffix(".")
    found = [(row.name, row.status) for row in rows]
    found += [(share.name, share.status) for share in bounded_shares(artefacts)]
    missed = [name for name, status in found if status == "missed"]
    if missed:
        return Verdict(
            f"{by_plan}; the output misses {' and '.join(missed)} by more than sampling explains "
            f"({SAMPLING_ERROR}).",
            "partly",
        )
    if any(status == "within sampling error" for _, status in found):
        return Verdict(
            f"{by_plan}, and the output is within sampling error ({SAMPLING_ERROR}) of it.", "met"
        )
    return Verdict("Everything asked for is met.", "met")


def plan_verdict(plan: Plan, rows: Sequence[PlannedRow]) -> Verdict:
    """Whether the plan meets what was asked for, and to what."""
    if plan.file.missed:
        return Verdict(plan.missed_in_words, "missed")
    missed = [row.name for row in rows if row.status == "missed"]
    if missed:
        return Verdict(
            f"The plan misses {' and '.join(missed)}, though the constraints that stand for it are "
            "met.",
            "missed",
        )
    to = max((row.to for row in rows if row.status == "met"), default=None)
    how = "" if to is None else f" (to {to:g})"
    if plan.file.transferred:
        from_ = plan.file.transferred.output
        return Verdict(
            f"The plan of {from_}, solved for another corpus, meets its bounds{how}.", "met"
        )
    return Verdict(f"The plan meets everything asked for{how}.", "met")
