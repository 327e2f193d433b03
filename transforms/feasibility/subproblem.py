"""What is asked of a corpus, bound by bound, so that some can be left out or loosened."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from transforms.config.balance import Kind, ShareBound
from transforms.config.schema import Attribute
from transforms.config.sections import Balance, Override
from transforms.m4.constraints import Constraint
from transforms.m4.terms import Terms
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
        return found.kind, found.attribute or "", found.label or "", side

    @property
    def subject(self) -> str:
        """What is bounded: an attribute, a label, or an attribute with a label."""
        return " with ".join(filter(None, (self.constraint.attribute, self.constraint.label)))

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
    """What some demands see of a corpus: its rows by the attributes and labels that they name."""

    rows: RowHistogram
    attributes: tuple[Attribute, ...]
    asked: Balance


def asked_only(asked: Balance, demands: Iterable[Demand]) -> Balance:
    """Nothing asked for but these."""
    nothing: dict[str, Any] = dict.fromkeys(BOUND_OF.values())
    kept = list(demands)
    overrides = tuple(demand.override(demand.bound) for demand in kept if demand.share is None)
    only = asked.model_copy(update={**nothing, "overrides": overrides})
    return only.with_shares(demand.share for demand in kept if demand.share is not None)


def subproblem_of(
    rows: RowHistogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    demands: Iterable[Demand],
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
    )
