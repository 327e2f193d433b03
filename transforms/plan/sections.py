"""The sections of plan.json, as they follow from what was solved."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.config.filters import MIN_SIMILARITY
from transforms.config.sections import Balance
from transforms.feasibility.rates import LargestRate
from transforms.m4.balance import Balanced
from transforms.m4.constraints import Constraint, ConstraintTable
from transforms.m4.ranks import Ranks
from transforms.m4.shortfall import Ranked
from transforms.m4.terms import Terms
from transforms.plan.plan_file import (
    CarrierCounts,
    CertificateFigures,
    ConditionCounts,
    Filtered,
    RankFigures,
    RateFound,
    Scalars,
)
from transforms.plan.terms_file import Centres, ConstraintRow, PlannedAttribute
from transforms.plan.written_part import WrittenFigures, WrittenMeasures, WrittenPart
from transforms.statistics.filtering import FilterCounts
from transforms.statistics.measures import Measures, measures_of
from transforms.statistics.moments import Moments


def rate_found(found: LargestRate | None) -> RateFound | None:
    """How the rate was found, where it was left open."""
    if found is None:
        return None
    proven: dict[str, Any] = {}
    if found.missed is not None and found.missed.least > 0:
        multipliers = tuple(found.missed.multipliers.tolist())
        proven = {"least_excess": found.missed.least, "proof": multipliers}
    return RateFound(rate=found.rate, upper=found.upper, **proven)


def scalars(terms: Terms) -> Scalars:
    """The problem's numbers."""
    others = {"other_V": dict(terms.other_V)} if terms.other_V else {}
    return Scalars(eta=terms.eta, Q=terms.Q, V=terms.V, **others)


def certificate(balanced: Balanced, asked: Balance) -> CertificateFigures:
    """What is proven of a solution."""
    solution = balanced.solution
    ranks = _ranks(balanced, asked)
    return CertificateFigures(
        primal=solution.primal,
        dual=solution.dual,
        gap=solution.gap,
        violation=solution.violation,
        rate=solution.rate,
        utility_error_bound=solution.utility_error_bound,
        excess=solution.excess,
        least_excess=balanced.least_excess,
        **({"ranks": ranks} if ranks else {}),
    )


def _ranks(balanced: Balanced, asked: Balance) -> tuple[RankFigures, ...]:
    """What each rank is missed by, where something is missed and something comes first."""
    problem, solution = balanced.problem, balanced.solution
    ranks = Ranks.of(asked, problem.terms).all
    if not solution.missed or len(ranks) == 1:
        return ()
    excesses = Ranked(problem, solution, ranks).excesses.tolist()
    least = [proof.least for proof in balanced.proofs] or [0.0] * len(ranks)
    return tuple(
        RankFigures(kinds=kinds, excess=excess, least_excess=bound)
        for kinds, excess, bound in zip(ranks, excesses, least, strict=True)
    )


def planned_attributes(terms: Terms) -> tuple[PlannedAttribute, ...]:
    """The attributes of the problem."""
    m = len(terms.attributes)
    centres: list[dict[str, Any]] = [
        {"centre": centre, "label_centres": tuple(label_centres)}
        for centre, label_centres in zip(
            terms.centres.tolist(), terms.label_centres.tolist(), strict=True
        )
    ]
    own = [Centres(**found) for found in centres[m:]]
    generation: list[dict[str, Any]] = [{"generation": one} for one in own] or [{}] * m
    return tuple(
        PlannedAttribute(
            name=attribute.name,
            group=attribute.group,
            target=attribute.target,
            share_of=attribute.share_of,
            **of_union,
            **of_generation,
        )
        for attribute, of_union, of_generation in zip(
            terms.attributes, centres[:m], generation, strict=True
        )
    )


def filter_section(counts: FilterCounts | None, attributes: int) -> dict[str, Any]:
    """What a plan says of the filter: nothing, where there is none."""

    def carriers(row: NDArray[np.int64]) -> CarrierCounts:
        samples, *flags = row.tolist()
        return CarrierCounts(
            samples=samples, attributes=tuple(flags[:attributes]), labels=tuple(flags[attributes:])
        )

    if counts is None:
        return {}
    conditions = tuple(
        ConditionCounts(name=name, taken=carriers(row), **_lacking(name, count))
        for name, row, count in zip(
            counts.conditions, counts.taken, counts.lacking.tolist(), strict=True
        )
    )
    labelled, several = carriers(counts.labelled), len(conditions) > 1
    together = {"together": carriers(counts.together)} if several else {}
    return {"filtered": Filtered(labelled=labelled, conditions=conditions, **together)}


def _lacking(condition: str, samples: int) -> dict[str, int]:
    """How many samples lack what a condition asks of; every one has a similarity."""
    return {} if condition == MIN_SIMILARITY else {"lacking": samples}


def written_section(
    written: WrittenPart | None, balanced: Balanced, labelled_union: Measures | None
) -> dict[str, Any]:
    """What a plan says of what was written before: nothing, where nothing was.

    labelled_union are the measures of the union by recognised attributes, where these are not taken
    for true.
    """
    if written is None:
        return {}
    attributes, moments = balanced.problem.terms.attributes, written.moments

    def measures(before: Moments, union: Measures) -> WrittenMeasures:
        return WrittenMeasures(before=measures_of(before, attributes), union=union)

    by_labels = labelled_union and {"as_labelled": measures(written.labelled, labelled_union)}
    figures = WrittenFigures(
        samples=written.samples,
        moments=tuple(map(tuple, moments.vector.reshape(-1, len(moments.y)).tolist())),
        measures=measures(moments, balanced.union),
        **(by_labels or {}),
    )
    return {"written": figures}


def constraint_rows(balanced: Balanced) -> tuple[ConstraintRow, ...]:
    """The constraints at a solution, in the order of their prices."""
    solved = balanced.solution.constraints
    tolerances = ConstraintTable.of(balanced.problem.terms).tolerance.tolist()
    proven: list[dict[str, Any]] = [{}] * len(solved)
    if balanced.least_excess:
        multipliers = np.column_stack([proof.multipliers for proof in balanced.proofs])
        proven = [{"proof": tuple(row)} for row in multipliers.tolist()]
    return tuple(
        ConstraintRow(
            kind=row.constraint.kind,
            attribute=row.constraint.attribute,
            label=row.constraint.label,
            sign=row.constraint.sign,
            **_where_given(row.constraint),
            tolerance=0.0 if row.constraint.kind == "share" else tolerance,
            price=row.price,
            slack=row.slack,
            met=row.met,
            **proof,
        )
        for row, tolerance, proof in zip(solved, tolerances, proven, strict=True)
    )


def _where_given(constraint: Constraint) -> dict[str, Any]:
    """The keys that not every row has: the bound on a share, which of other constraints is their
    tolerance; whether it is on the generation by itself.
    """
    bound = {} if constraint.bound is None else {"bound": constraint.bound}
    return {**bound, **({"generation": True} if constraint.generation else {})}
