"""What a plan states: its problem and its prices."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from transforms.verification.derivation import Rule, rules_of
from transforms.verification.plan_evidence import (
    ConstraintEntry,
    PlanEvidence,
)
from transforms.verification.soft import Odds

Vector = NDArray[np.float64]
_CELLS_AT_ONCE = 1 << 22
_MOST_ROWS = 1 << 16


@dataclass(frozen=True)
class StatedConstraint:
    """One one-sided constraint of a plan; k and r are its attribute's and label's places.

    entry is the row of the plan that says the rest; k and r are -1 where there is none.
    """

    entry: ConstraintEntry
    k: int
    r: int

    @property
    def name(self) -> str:
        """The constraint as sentences call it."""
        side = "from above" if self.entry.sign > 0 else "from below"
        named = " with ".join(filter(None, (self.entry.attribute, self.entry.label)))
        of = " in the generation" * self.entry.generation
        return f"{self.entry.kind} of {named}{of}, {side}"


@dataclass(frozen=True)
class Stated:
    """What a plan states: its problem and its prices, ready for arithmetic.

    groups, targets (nan where there is none), centres, and of_group (whether a share is of a
    group) are (m,), label_centres (m, c), and members, bool (m, m), says which attributes are of
    one group; own_centres and own_label_centres are those in what a generation adds by itself, nan
    where nothing is asked of that. odds are those of the true attributes, where recognised ones are
    not taken for true. rules make the derived columns.
    """

    attributes: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    targets: Vector
    of_group: NDArray[np.bool_]
    members: NDArray[np.bool_]
    centres: Vector
    label_centres: Vector
    own_centres: Vector
    own_label_centres: Vector
    constraints: tuple[StatedConstraint, ...]
    odds: tuple[Odds, ...]
    eta: float
    Q: float
    V: float
    other_V: Mapping[str, float]
    mu: float
    rules: Mapping[str, Rule]

    @classmethod
    def by(cls, plan: PlanEvidence) -> Self:
        """What `plan` states; raises ValueError where its parts do not fit together."""
        names = tuple(entry.name for entry in plan.attributes)
        labels = tuple(plan.labels)
        places: dict[str | None, int] = {name: k for k, name in enumerate(names)}
        places[None] = -1
        label_places: dict[str | None, int] = {name: r for r, name in enumerate(labels)}
        label_places[None] = -1
        unknown = [
            entry
            for entry in plan.constraints
            if entry.attribute not in places
            or entry.label not in label_places
            or not _of_its_kind(entry)
        ]
        if unknown:
            raise ValueError(f"a constraint is of no attribute or label of the plan: {unknown[0]}")
        own = [entry.generation for entry in plan.attributes if entry.generation]
        centres = [entry.label_centres for entry in plan.attributes]
        centres += [entry.label_centres for entry in own]
        if any(len(each) != len(labels) for each in centres):
            raise ValueError("an attribute has more or fewer label_centres than there are labels")
        calibrated = plan.calibration.log_odds if plan.calibration else {}
        if set(calibrated) - set(names):
            raise ValueError("the calibration is of attributes that there are not")
        columns = _columns(names, labels)
        groups = np.array([entry.group for entry in plan.attributes])
        return cls(
            names,
            labels,
            tuple(entry.group for entry in plan.attributes),
            np.array([np.nan if e.target is None else e.target for e in plan.attributes]),
            np.array([entry.share_of == "group" for entry in plan.attributes]),
            groups[:, None] == groups[None, :],
            np.array([entry.centre for entry in plan.attributes]),
            np.array([entry.label_centres for entry in plan.attributes]).reshape(
                len(names), len(labels)
            ),
            np.array([e.generation.centre if e.generation else np.nan for e in plan.attributes]),
            np.array(
                [
                    e.generation.label_centres if e.generation else [np.nan] * len(labels)
                    for e in plan.attributes
                ]
            ).reshape(len(names), len(labels)),
            tuple(
                StatedConstraint(entry, places[entry.attribute], label_places[entry.label])
                for entry in plan.constraints
            ),
            tuple(Odds.by(places[name], rows, columns) for name, rows in calibrated.items()),
            **plan.problem.model_dump(),
            mu=plan.mu,
            rules=rules_of(plan.config, columns),
        )

    @property
    def largest_prices(self) -> Vector:
        """What a violation of each constraint costs, (K,)."""
        kinds = (constraint.entry.kind for constraint in self.constraints)
        return np.array([self.other_V.get(kind, self.V) for kind in kinds])

    @cached_property
    def as_labelled(self) -> Self:
        """The same, with recognised attributes taken for true."""
        return replace(self, odds=())

    @property
    def columns(self) -> tuple[str, ...]:
        """The flags of a label table, in the order of a pattern's bits."""
        return _columns(self.attributes, self.labels)

    @property
    def stored(self) -> tuple[str, ...]:
        """Those flags that a label table holds: the others follow from them, by `rules`."""
        return tuple(column for column in self.columns if column not in self.rules)

    @property
    def rows_at_once(self) -> int:
        """How many rows are worked on together, so that memory is bounded."""
        return max(256, min(_MOST_ROWS, _CELLS_AT_ONCE // len(self.columns)))


def _of_its_kind(entry: ConstraintEntry) -> bool:
    """Whether a constraint names what those of its kind do."""
    named = (entry.attribute is not None, entry.label is not None)
    if entry.generation and entry.kind == "share":
        return False
    if entry.kind == "share":
        return sum(named) == 1 and entry.bound is not None
    return named == (True, entry.kind != "representation")


def _columns(attributes: tuple[str, ...], labels: tuple[str, ...]) -> tuple[str, ...]:
    return (*(f"s.{name}" for name in attributes), *(f"y.{name}" for name in labels))
