"""Whether what was asked for is met, in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from transforms.outcome.artefacts import Artefacts
from transforms.outcome.as_drawn import missed_as_drawn, missed_in_words, remedies_in_words
from transforms.outcome.measure_rows import MeasureRow, PlannedRow, planned_rows
from transforms.outcome.shares import bounded_shares
from transforms.outcome.status import SAMPLING_ERROR
from transforms.plan.plan import Plan
from transforms.statistics.bounded import ROUNDING


@dataclass(frozen=True)
class Verdict:
    """The report's first sentence; tone colours it. met: a run that ends with this has done all."""

    sentence: str
    tone: Literal["met", "partly", "missed"]

    @property
    def met(self) -> bool:
        """Whether what was asked for is met: by the output, where chance had a part in it, to
        within sampling error.
        """
        return self.tone == "met"


def verdict_of(artefacts: Artefacts, rows: Sequence[MeasureRow]) -> Verdict:
    """Whether what was asked for is met: by the plan, and by the output as measured."""
    planned = plan_verdict(artefacts.plan, planned_rows(artefacts.plan))
    if artefacts.drawn is not None:
        return _verdict_of_drawn(artefacts, rows, planned)
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
    """Whether the plan meets what was asked for, and to what; and whether what it draws does."""
    if plan.file.missed:
        return Verdict(plan.missed_in_words, "missed")
    if plan.file.draw is not None:
        return _planned_draw(plan, rows)
    missed = [row.name for row in rows if row.status == "missed"]
    if missed:
        return Verdict(
            f"The plan misses {' and '.join(missed)}, though the constraints that stand for it are "
            "met.",
            "missed",
        )
    if plan.file.transferred:
        of = f"The plan of {plan.file.transferred.output}, solved for another corpus,"
        return Verdict(f"{of} meets its bounds{_met_to(rows)}.", "met")
    return Verdict(f"The plan meets everything asked for{_met_to(rows)}.", "met")


def _planned_draw(plan: Plan, rows: Sequence[PlannedRow]) -> Verdict:
    if plan.file.draw and not plan.file.draw.of_all.samples:
        return Verdict(
            f"No sample is drawn, so that nothing is met: the weights add up to "
            f"{plan.file.predicted.samples:.2g} copies in all; a larger corpus or a higher eta "
            "helps.",
            "missed",
        )
    missed = missed_as_drawn(plan)
    if not missed:
        return Verdict("Everything asked for is met, as drawn.", "met")
    return Verdict(
        f"The plan meets everything asked for{_met_to(rows)}, but whole samples miss "
        f"{missed_in_words(missed)}, the least that was found: {remedies_in_words(plan)}.",
        "partly",
    )


def _verdict_of_drawn(
    artefacts: Artefacts, rows: Sequence[MeasureRow], planned: Verdict
) -> Verdict:
    """The verdict on an output whose plan says what is drawn: it is held to that."""
    found = {row.name: row.by or 0.0 for row in rows}
    found |= {share.name: share.by or 0.0 for share in bounded_shares(artefacts)}
    said = missed_as_drawn(artefacts.plan)
    beyond = {name: by for name, by in found.items() if by > said.get(name, 0.0) + ROUNDING}
    if beyond:
        return Verdict(
            f"The output misses {missed_in_words(beyond)}, and is not what its plan draws: "
            "`fairshard verify` says what differs.",
            "missed",
        )
    return Verdict("Everything asked for is met.", "met") if planned.met else planned


def _met_to(rows: Sequence[PlannedRow]) -> str:
    to = max((row.to for row in rows if row.status == "met"), default=None)
    return "" if to is None else f" (to {to:g})"
