"""The one-sided constraints of M4, and the order of their prices: this module says it, once.

Numbers of constraints come in two forms. By kind: (2, m) for representation and (2, m, c) for
association and skew, by sign (+1, then -1), attribute and label. As one vector, (K,): these, end to
end, in the order of the kinds; skew only where it is bounded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from transforms.config.balance import KINDS, Kind
from transforms.m4.terms import VACUOUS, Terms

Vector = NDArray[np.float64]

Sign = Literal[1, -1]
SIGNS: tuple[Sign, Sign] = (1, -1)
REPRESENTATION, ASSOCIATION, SKEW = range(len(KINDS))
_SUBJECTS: dict[Kind, str] = {
    "representation": "share of {0}",
    "association": "association of {0} with {1}",
    "skew": "share of {0} within {1}",
}


@dataclass(frozen=True, slots=True)
class Constraint:
    """One one-sided constraint E[q a_i] <= 0; sign +1 caps from above, -1 from below."""

    kind: Kind
    attribute: str
    label: str | None
    sign: Sign

    @property
    def name(self) -> str:
        """The constraint in words: what is capped, and on which side."""
        subject = _SUBJECTS[self.kind].format(self.attribute, self.label)
        return f"{subject}, {'from above' if self.sign > 0 else 'from below'}"


def flattened(by_kind: Mapping[Kind, NDArray[Any]], terms: Terms) -> NDArray[Any]:
    """The vector, (K,), of numbers by kind."""
    return np.concatenate([by_kind[kind].ravel() for kind in _shapes_under(terms)])


def unflattened(vector: Vector, terms: Terms) -> dict[Kind, Vector]:
    """The inverse of `flattened`; 0 where the terms bound nothing."""
    shapes = _shapes(len(terms.attributes), len(terms.labels))
    by_kind, first = {kind: np.zeros(shape) for kind, shape in shapes.items()}, 0
    for kind, shape in _shapes_under(terms).items():
        last = first + int(np.prod(shape))
        by_kind[kind], first = vector[first:last].reshape(shape), last
    return by_kind


def arranged(
    numbers: Iterable[tuple[Constraint, float]],
    attributes: Sequence[str],
    labels: Sequence[str],
    absent: float,
) -> dict[Kind, Vector]:
    """The numbers of constraints by kind; KeyError where one is on what there is not."""
    attribute_at = {name: k for k, name in enumerate(attributes)}
    label_at = {name: r for r, name in enumerate(labels)}
    shapes = _shapes(len(attributes), len(labels))
    by_kind = {kind: np.full(shape, absent) for kind, shape in shapes.items()}
    for constraint, number in numbers:
        label = () if constraint.label is None else (label_at[constraint.label],)
        at = (SIGNS.index(constraint.sign), attribute_at[constraint.attribute], *label)
        by_kind[constraint.kind][at] = number
    return by_kind


def both_sides(value: Vector, allowed: Vector | float) -> Vector:
    """By sign, by how much `value` is above what is allowed, and its negative likewise."""
    return np.stack([value - allowed, -value - allowed])


def alike(value: Vector) -> Vector:
    """By sign, the same `value` for both."""
    return np.stack([value, value])


def constraints_under(terms: Terms) -> tuple[Constraint, ...]:
    """Every constraint, in the order of the vector."""
    table = ConstraintTable.of(terms)
    attributes = [attribute.name for attribute in terms.attributes]
    labels = [*terms.labels, None]
    return tuple(
        Constraint(KINDS[kind], attributes[k], labels[r], 1 if sign > 0 else -1)
        for kind, k, r, sign in zip(
            table.kind.tolist(),
            table.attribute.tolist(),
            table.label.tolist(),
            table.sign.tolist(),
            strict=True,
        )
    )


def largest_prices(terms: Terms) -> Vector:
    """What a violation of each constraint costs, (K,): no price is above it."""
    shapes = _shapes_under(terms)
    return flattened(
        {kind: np.full(shape, terms.V_of(kind)) for kind, shape in shapes.items()}, terms
    )


def asked_kinds(terms: Terms) -> tuple[Kind, ...]:
    """The kinds of which something is asked."""
    return tuple(k for k in KINDS if (getattr(terms.tolerances, k) < VACUOUS).any())


class ConstraintTable(NamedTuple):
    """What the i-th price prices, each (K,): its sign, its kind, its attribute, its label (c:
    none), its tolerance, whether it is on an association, and around which share of the label.
    """

    sign: Vector
    kind: NDArray[np.int64]
    attribute: NDArray[np.int64]
    label: NDArray[np.int64]
    tolerance: Vector
    associated: NDArray[np.bool_]
    centre: Vector

    def some(self, chosen: NDArray[np.int64]) -> "ConstraintTable":
        """Those that are chosen, int64 (n,)."""
        return ConstraintTable._make(column[chosen] for column in self)

    @classmethod
    def of(cls, terms: Terms) -> Self:
        """The table of the constraints under `terms`."""
        grids = {kind: np.indices(shape) for kind, shape in _shapes_under(terms).items()}
        signs, no_label = np.array(SIGNS, np.float64), len(terms.labels)
        tolerances: dict[Kind, Vector] = {kind: getattr(terms.tolerances, kind) for kind in grids}
        kinds = flattened(
            {kind: np.full(grid[0].shape, KINDS.index(kind)) for kind, grid in grids.items()}, terms
        )
        attributes = flattened({kind: grid[1] for kind, grid in grids.items()}, terms)
        labels = flattened(
            {
                kind: grid[2] if len(grid) > 2 else np.full_like(grid[0], no_label)
                for kind, grid in grids.items()
            },
            terms,
        )
        centres = np.hstack([terms.label_centres, np.zeros((len(terms.attributes), 1))])
        return cls(
            flattened({kind: signs[grid[0]] for kind, grid in grids.items()}, terms),
            kinds,
            attributes,
            labels,
            flattened({kind: alike(tolerances[kind]) for kind in grids}, terms),
            kinds == ASSOCIATION,
            centres[attributes, labels],
        )


def _shapes(m: int, c: int) -> dict[Kind, tuple[int, ...]]:
    """The shape of numbers of each kind, for m attributes and c labels."""
    pairs = (len(SIGNS), m, c)
    return {"representation": pairs[:2], "association": pairs, "skew": pairs}


def _shapes_under(terms: Terms) -> dict[Kind, tuple[int, ...]]:
    """Those of the kinds that are in the vector, in their order."""
    shapes = _shapes(len(terms.attributes), len(terms.labels))
    return {kind: shapes[kind] for kind in KINDS if kind != "skew" or terms.bounds_skew}
