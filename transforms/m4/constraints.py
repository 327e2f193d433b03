"""The one-sided constraints of M4, and the order of their prices: this module says it, once."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from transforms.m4.terms import Terms

Vector = NDArray[np.float64]

REPRESENTATION, ASSOCIATION, SKEW = range(3)

Kind = Literal["representation", "association", "skew"]
Sign = Literal[1, -1]
SIGNS: tuple[Sign, Sign] = (1, -1)
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
        return ConstraintTable._make(part[chosen] for part in self)

    @classmethod
    def of(cls, terms: Terms) -> Self:
        """The table of the constraints under `terms`."""
        m, c = len(terms.attributes), len(terms.labels)
        tolerances = terms.tolerances
        parts = [(REPRESENTATION, *np.indices((2, m, 1)), tolerances.representation[:, None])]
        parts[0][3][:] = c
        parts.append((ASSOCIATION, *np.indices((2, m, c)), tolerances.association))
        if terms.bounds_skew:
            parts.append((SKEW, *np.indices((2, m, c)), tolerances.skew))
        kinds = np.concatenate([np.full(side.size, kind) for kind, side, _, _, _ in parts])
        attributes = np.concatenate([attribute.ravel() for _, _, attribute, _, _ in parts])
        labels = np.concatenate([label.ravel() for _, _, _, label, _ in parts])
        centres = np.hstack([terms.label_centres, np.zeros((m, 1))])
        return cls(
            np.concatenate([1.0 - 2.0 * side.ravel() for _, side, _, _, _ in parts]),
            kinds,
            attributes,
            labels,
            np.concatenate(
                [np.broadcast_to(allowed, side.shape).ravel() for _, side, _, _, allowed in parts]
            ),
            kinds == ASSOCIATION,
            centres[attributes, labels],
        )
