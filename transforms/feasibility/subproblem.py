"""What is asked of a corpus, bound by bound, so that some can be left out or loosened."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from transforms.config.balance import Kind
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
        bounds = getattr(terms.tolerances, constraint.kind)
        k = [attribute.name for attribute in terms.attributes].index(constraint.attribute)
        at = (k, terms.labels.index(constraint.label)) if constraint.label else k
        return cls(constraint, float(bounds[at]))

    @property
    def measured(self) -> tuple[str, ...]:
        """What is bounded, on whichever side."""
        found = self.constraint
        return found.kind, found.attribute, found.label or ""

    @property
    def subject(self) -> str:
        """What is bounded: an attribute, or an attribute with a label."""
        label = self.constraint.label
        return self.constraint.attribute + (f" with {label}" if label else "")

    def override(self, bound: float) -> Override:
        """The override that asks for `bound` instead."""
        found = self.constraint
        values: dict[str, Any] = {BOUND_OF[found.kind]: bound}
        labels = (found.label,) if found.label else ()
        return Override(attributes=(found.attribute,), labels=labels, **values)


@dataclass(frozen=True)
class Subproblem:
    """What some demands see of a corpus: its rows by the attributes and labels that they name."""

    rows: RowHistogram
    attributes: tuple[Attribute, ...]
    asked: Balance


def asked_only(asked: Balance, demands: Iterable[Demand]) -> Balance:
    """Nothing asked for but these."""
    nothing: dict[str, Any] = dict.fromkeys(BOUND_OF.values())
    overrides = tuple(demand.override(demand.bound) for demand in demands)
    return asked.model_copy(update={**nothing, "overrides": overrides})


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
    columns = [k for k, attribute in enumerate(attributes) if attribute.group in groups]
    labels = sorted({rows.labels.index(d.constraint.label) for d in kept if d.constraint.label})
    return Subproblem(
        rows.only(columns, labels),
        tuple(attributes[k] for k in columns),
        asked_only(asked, kept),
    )
