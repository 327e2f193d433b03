"""What is asked of a corpus, bound by bound, so that some can be left out or loosened."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from transforms.config.balance import Kind, ShareBound
from transforms.config.schema import Attribute
from transforms.config.sections import Balance, Override
from transforms.m4.constraints import Constraint
from transforms.m4.terms import Terms
from transforms.statistics.moments import Moments
from transforms.statistics.row_histograms import RowHistogram

BOUND_OF: dict[Kind, str] = {
    "representation": "max_representation_bias",
    "association": "max_association_bias",
    "skew": "max_label_skew",
}


@dataclass(frozen=True)
class Demand:
    """One bound on one attribute, or pair; the constraint is that of the side that is missed."""

    constraint: Constraint
    bound: float

    @classmethod
    def of(cls, constraint: Constraint, terms: Terms) -> Self:
        """What `terms` ask of a constraint."""
        if constraint.bound is not None:
            return cls(constraint, constraint.bound)
        bounds = getattr(terms.tolerances, constraint.kind)
        names: list[str | None] = [attribute.name for attribute in terms.attributes]
        k = names.index(constraint.attribute) + constraint.generation * len(names)
        at = (k, terms.labels.index(constraint.label)) if constraint.label else k
        return cls(constraint, float(bounds[at]))

    @property
    def measured(self) -> tuple[str, ...]:
        """What is bounded: on whichever side, but of a share, which is bounded on one."""
        found = self.constraint
        side = "" if found.bound is None else str(found.sign)
        scope = "generation" if found.generation else ""
        return found.kind, found.attribute or "", found.label or "", side, scope

    @property
    def subject(self) -> str:
        """What is bounded: an attribute, a label, or an attribute with a label."""
        return " with ".join(filter(None, (self.constraint.attribute, self.constraint.label)))

    @property
    def key(self) -> str:
        """The key of `balance` that bounds it."""
        within = "generation." if self.constraint.generation else ""
        return within + BOUND_OF[self.constraint.kind]

    @property
    def share(self) -> ShareBound | None:
        """The bound on a share that it is, if it is one."""
        found = self.constraint
        if found.bound is None:
            return None
        return ShareBound(found.attribute, found.label, found.sign, found.bound)

    def override(self, bound: float) -> Override:
        """The override that asks for `bound` instead."""
        found = self.constraint
        values: dict[str, Any] = {BOUND_OF[found.kind]: bound}
        labels = (found.label,) if found.label else ()
        attributes = (found.attribute,) if found.attribute else ()
        return Override(attributes=attributes, labels=labels, **values)


@dataclass(frozen=True)
class Subproblem:
    """What some demands see of a corpus: its rows by the attributes and labels that they name.

    written: the moments of what was written before, if anything was, summed.
    """

    rows: RowHistogram
    attributes: tuple[Attribute, ...]
    asked: Balance
    written: Moments | None = None


def asked_only(asked: Balance, demands: Iterable[Demand]) -> Balance:
    """Nothing asked for but these."""
    nothing: dict[str, Any] = dict.fromkeys(BOUND_OF.values())
    kept = list(demands)
    of_union, of_generation = overriding(kept, 0.0)
    only = asked.model_copy(update={**nothing, "overrides": of_union})
    only = only.asking_of_generation(of_generation)
    return only.with_shares(demand.share for demand in kept if demand.share is not None)


def overriding(
    demands: Iterable[Demand], least: float
) -> tuple[tuple[Override, ...], tuple[Override, ...]]:
    """The overrides that ask for demands, none of them tighter than `least`: of the union, and of a
    generation by itself.
    """
    measured = [demand for demand in demands if demand.share is None]
    of_union, of_generation = (
        tuple(
            demand.override(max(demand.bound, least))
            for demand in measured
            if demand.constraint.generation == own
        )
        for own in (False, True)
    )
    return of_union, of_generation


def subproblem_of(
    rows: RowHistogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    demands: Iterable[Demand],
    written: Moments | None = None,
) -> Subproblem:
    """The corpus as `demands` see it, and nothing but them asked for; whole groups stay."""
    kept = list(demands)
    named = {demand.constraint.attribute for demand in kept}
    groups = {attribute.group for attribute in attributes if attribute.name in named}
    columns = [k for k, attribute in enumerate(attributes) if attribute.group in groups] or [0]
    labels = sorted({rows.labels.index(d.constraint.label) for d in kept if d.constraint.label})
    return Subproblem(
        rows.only(columns, labels),
        tuple(attributes[k] for k in columns),
        asked_only(asked, kept),
        written and written.only(columns, labels),
    )
