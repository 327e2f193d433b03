"""What is to be written, and whether it meets what was asked, where a plan says so."""

from collections.abc import Iterator, Mapping

import numpy as np

from transforms.verification.asked import (
    MEASURES,
    NOTHING_ASKED,
    asked_by,
    asked_of_generation,
    names_at,
)
from transforms.verification.bias import BiasTally, check_figures
from transforms.verification.checks import Check
from transforms.verification.drawing import DrawingChecks
from transforms.verification.given import check_given
from transforms.verification.plan_evidence import PlanEvidence
from transforms.verification.stated import Stated, Vector

_ROUNDING = 1e-12
_TOLERANCE = 1e-9


def check_drawn_figures(drawing: DrawingChecks, check: Check) -> None:
    """Compare what the plan says of the samples to be written with those that are drawn."""
    said = drawing.evidence.plan.draw
    flipped = {shard for shard, rows in drawing.flips.items() if len(rows)}
    check_given(drawing.evidence, drawing.given, flipped, drawing.draw)
    if said is None:
        return
    if said.flips is not None:
        drawing.draw.found = f"{said.flips.count:,} of them flipped"
    given = drawing.given.values()
    copies, kept = sum(one.samples for one in given), sum(one.kept for one in given)
    for name, figure, found in (("copies", said.copies, copies), ("kept", said.kept, kept)):
        check.expect(
            figure == found, f"draw.{name} is {figure:,} in plan.json, and {found:,} are drawn"
        )
    check_figures(drawing.after, said.measures, "draw.measures", check)
    if said.as_labelled is not None:
        check_figures(drawing.labelled, said.as_labelled, "draw.as_labelled", check)


def check_met(
    plan: PlanEvidence,
    stated: Stated,
    after: BiasTally,
    check: Check,
    before: BiasTally | None = None,
) -> None:
    """Hold every bound against the samples that are drawn, with what was written `before`: met,
    where plan.json says that all are, and the largest excess the one that it says.
    """
    if plan.draw is None:
        return
    if before is not None and plan.draw.union is not None:
        check_figures(after.plus(before), plan.draw.union, "draw.union", check)
    said, largest, of = plan.draw.excess, 0.0, ""
    for name, excess in _excesses(plan, stated, after, before):
        check.checked += 1
        if excess > largest:
            largest, of = excess, name
        if said == 0 and excess > _ROUNDING:
            check.differ(
                f"{name} is {excess:.3g} beyond what was asked, of the samples drawn, and "
                "plan.json says that they meet everything"
            )
    if said != 0:
        check.expect(
            abs(said - largest) <= _TOLERANCE,
            f"draw.excess is {said:.9g} in plan.json, of the samples drawn it is {largest:.9g}",
        )
    check.found = f"largest excess {largest:.3g}: {of}" if largest > _ROUNDING else "all are met"


def _excesses(
    plan: PlanEvidence, stated: Stated, after: BiasTally, before: BiasTally | None
) -> Iterator[tuple[str, float]]:
    """Each bound of which something can be said, and by how much it is exceeded."""
    union = after if before is None else after.plus(before)
    yield from _beyond(asked_by(plan.config.balance, stated), union, stated)
    if any(constraint.entry.generation for constraint in stated.constraints):
        asked = asked_of_generation(plan.config.balance, stated)
        for name, excess in _beyond(asked, after, stated):
            yield f"{name} in the generation", excess
    label_shares = union.measures()["label_share"][0]
    for constraint in stated.constraints:
        entry, k, r = constraint.entry, constraint.k, constraint.r
        if entry.kind == "share" and entry.bound is not None:
            share = label_shares[r] if k < 0 else union.share[k]
            if not np.isnan(share):
                yield constraint.name, float(entry.sign * (share - entry.bound))


def _beyond(
    asked: Mapping[str, Vector], tally: BiasTally, stated: Stated
) -> Iterator[tuple[str, float]]:
    """By how much each measure is beyond its bound."""
    measures = tally.measures()
    for kind, bounds in asked.items():
        values = np.abs(measures[MEASURES[kind]][0])
        for at in np.argwhere((bounds < NOTHING_ASKED) & ~np.isnan(values)):
            place = tuple(at.tolist())
            name = f"{MEASURES[kind]} of {' and '.join(names_at(place, stated))}"
            yield name, float(values[place] - bounds[place])
