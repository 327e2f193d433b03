"""The one-sided constraints of M4, and the order of their prices: this module says it, once.

Numbers of constraints come in two forms. By kind: (2, m') for representation and (2, m', c) for
association and skew, by sign (+1, then -1), attribute and label; (S,) for the bounds on shares that
are asked for, in their order. As one vector, (K,): these, end to end, in the order of the kinds;
skew only where it is bounded. m' counts the attributes in the union and, after them and where
something is asked of a generation by itself, again in the generation (transforms/m4/terms.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from transforms.config.balance import KINDS, Kind
from transforms.m4.terms import VACUOUS, Terms

Vector = NDArray[np.float64]

Sign = Literal[1, -1]
SIGNS: tuple[Sign, Sign] = (1, -1)
REPRESENTATION, ASSOCIATION, SKEW, SHARE = range(len(KINDS))


@dataclass(frozen=True, slots=True)
class Constraint:
    """One one-sided constraint E[q a_i] <= 0; sign +1 caps from above, -1 from below.

    A bound on a share is of an attribute or of a label; the others are of an attribute at least.
    generation: whether it holds of what one generation writes, not of all that is written.
    """

    kind: Kind
    attribute: str | None
    label: str | None
    sign: Sign
    bound: float | None = None
    generation: bool = False

    @property
    def name(self) -> str:
        """The constraint in words: what is capped, and on which side."""
        side = "from above" if self.sign > 0 else "from below"
        apart = " in the generation, " if self.generation else ", "
        match self.kind:
            case "representation":
                return f"share of {self.attribute}{apart}{side}"
            case "association":
                return f"association of {self.attribute} with {self.label}{apart}{side}"
            case "skew":
                return f"share of {self.attribute} within {self.label}{apart}{side}"
            case "share":
                most = "most" if self.sign > 0 else "least"
                return f"share of {self.attribute or self.label}, at {most} {self.bound:g}"


def flattened(by_kind: Mapping[Kind, NDArray[Any]], terms: Terms) -> NDArray[Any]:
    """The vector, (K,), of numbers by kind."""
    return np.concatenate([by_kind[kind].ravel() for kind in _shapes_under(terms)])


def unflattened(vector: Vector, terms: Terms) -> dict[Kind, Vector]:
    """The inverse of `flattened`; 0 where the terms bound nothing."""
    shapes = _shapes(terms.subjects, len(terms.labels), len(terms.shares))
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
    generation: bool = False,
) -> dict[Kind, Vector]:
    """The numbers of constraints by kind, those of a `generation` among them, or not.

    KeyError where one is on what there is not.
    """
    scopes = (False, True) if generation else (False,)
    subjects: list[tuple[str | None, bool]] = [(name, own) for own in scopes for name in attributes]
    attribute_at = {subject: k for k, subject in enumerate(subjects)}
    label_at: dict[str | None, int] = {name: r for r, name in enumerate(labels)}
    shapes, of_shares = _shapes(len(subjects), len(labels), 0), []
    by_kind = {kind: np.full(shape, absent) for kind, shape in shapes.items()}
    for constraint, number in numbers:
        if constraint.kind == "share":
            of_shares.append(number)
            continue
        label = () if constraint.label is None else (label_at[constraint.label],)
        subject = attribute_at[constraint.attribute, constraint.generation]
        at = (SIGNS.index(constraint.sign), subject, *label)
        by_kind[constraint.kind][at] = number
    return {**by_kind, "share": np.array(of_shares, np.float64)}


def both_sides(value: Vector, allowed: Vector | float) -> Vector:
    """By sign, by how much `value` is above what is allowed, and its negative likewise."""
    return np.stack([value - allowed, -value - allowed])


def alike(value: Vector) -> Vector:
    """By sign, the same `value` for both."""
    return np.stack([value, value])


def constraints_under(terms: Terms) -> tuple[Constraint, ...]:
    """Every constraint, in the order of the vector."""
    table = ConstraintTable.of(terms)
    names = [attribute.name for attribute in terms.attributes]
    subjects = [(name, own) for own in (False, True)[: terms.scopes] for name in names]
    labels = [*terms.labels, None]
    measured = len(table.kind) - len(terms.shares)
    columns = (table.kind, table.attribute, table.label, table.sign)
    rows = zip(*(column[:measured].tolist() for column in columns), strict=True)
    return (
        *(
            Constraint(KINDS[kind], name, labels[r], 1 if sign > 0 else -1, None, own)
            for kind, k, r, sign in rows
            for name, own in (subjects[k],)
        ),
        *(
            Constraint("share", share.attribute, share.label, share.sign, share.bound)
            for share in terms.shares
        ),
    )


def largest_prices(terms: Terms) -> Vector:
    """What a violation of each constraint costs, (K,): no price is above it."""
    shapes = _shapes_under(terms)
    return flattened(
        {kind: np.full(shape, terms.V_of(kind)) for kind, shape in shapes.items()}, terms
    )


def asked_kinds(terms: Terms) -> tuple[Kind, ...]:
    """The kinds of which something is asked."""
    measured = tuple(
        kind
        for kind in KINDS
        if kind != "share" and (getattr(terms.tolerances, kind) < VACUOUS).any()
    )
    return (*measured, "share") if terms.shares else measured


class ConstraintTable(NamedTuple):
    """What the i-th price prices, each (K,): its sign, its kind, its attribute (of the m'), its
    label (c: none), its tolerance, whether it is on an association, and around which share of the
    label.

    A bound b on the share of attribute k is one on its distance from its target, with the tolerance
    b - pi_k from above and pi_k - b from below. One on the share of a label is on an association of
    everybody (m': transforms/m4/terms.py) around b.
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
        shapes = _shapes_under(replace(terms, shares=()))
        grids = {kind: np.indices(shape) for kind, shape in shapes.items()}
        signs, no_label = np.array(SIGNS, np.float64), len(terms.labels)
        tolerances: dict[Kind, Vector] = {kind: getattr(terms.tolerances, kind) for kind in grids}

        def end_to_end(by_kind: Mapping[Kind, NDArray[Any]]) -> NDArray[Any]:
            return np.concatenate([by_kind[kind].ravel() for kind in grids])

        kinds = end_to_end(
            {kind: np.full(grid[0].shape, KINDS.index(kind)) for kind, grid in grids.items()}
        )
        attributes = end_to_end({kind: grid[1] for kind, grid in grids.items()})
        labels = end_to_end(
            {
                kind: grid[2] if len(grid) > 2 else np.full_like(grid[0], no_label)
                for kind, grid in grids.items()
            }
        )
        centres = np.hstack([terms.label_centres, np.zeros((terms.subjects, 1))])
        measured = cls(
            end_to_end({kind: signs[grid[0]] for kind, grid in grids.items()}),
            kinds,
            attributes,
            labels,
            end_to_end({kind: alike(tolerances[kind]) for kind in grids}).astype(np.float64),
            kinds == ASSOCIATION,
            centres[attributes, labels],
        )
        if not terms.shares:
            return measured
        both = zip(measured, cls._of_shares(terms), strict=True)
        return cls._make(np.concatenate(columns) for columns in both)

    @classmethod
    def _of_shares(cls, terms: Terms) -> Self:
        places = {attribute.name: k for k, attribute in enumerate(terms.attributes)}
        everybody, c, rows = terms.subjects, len(terms.labels), []
        for share in terms.shares:
            if share.attribute is None:
                label = terms.labels.index(share.label or "")
                rows.append((share.sign, SHARE, everybody, label, 0.0, True, share.bound))
            else:
                k = places[share.attribute]
                tolerance = share.sign * (share.bound - terms.attributes[k].pi)
                rows.append((share.sign, SHARE, k, c, tolerance, False, 0.0))
        sign, kind, attribute, label_of, tolerances, associated, centre = zip(*rows, strict=True)
        return cls(
            np.array(sign, np.float64),
            np.array(kind, np.int64),
            np.array(attribute, np.int64),
            np.array(label_of, np.int64),
            np.array(tolerances, np.float64),
            np.array(associated, np.bool_),
            np.array(centre, np.float64),
        )


def _shapes(m: int, c: int, shares: int) -> dict[Kind, tuple[int, ...]]:
    """The shape of numbers of each kind, for m' attributes, c labels and bounds on shares."""
    pairs = (len(SIGNS), m, c)
    return {"representation": pairs[:2], "association": pairs, "skew": pairs, "share": (shares,)}


def _shapes_under(terms: Terms) -> dict[Kind, tuple[int, ...]]:
    """Those of the kinds that are in the vector, in their order."""
    shapes = _shapes(terms.subjects, len(terms.labels), len(terms.shares))
    absent = {"skew": not terms.bounds_skew, "share": not terms.shares}
    return {kind: shapes[kind] for kind in KINDS if not absent.get(kind)}
