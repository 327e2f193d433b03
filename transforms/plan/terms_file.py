"""What plan.json says of a problem's terms and prices: its attributes and its constraints."""

from typing import Annotated

from pydantic import Field

from transforms.config.balance import Kind, ShareBound
from transforms.config.schema import Attribute
from transforms.m4.constraints import Constraint, Sign
from transforms.storage.documents import Document, Finite


class Centres(Document):
    """The shares around which an attribute's associations are linear: its own, labels'."""

    centre: Finite
    label_centres: tuple[Finite, ...]


class PlannedAttribute(Document):
    """An attribute, and the shares around which its associations are linear: its own, labels'.

    generation: those in the generation by itself, where something is asked of that.
    """

    name: str
    group: str
    target: Finite | None
    share_of: str
    centre: Finite
    label_centres: tuple[Finite, ...]
    generation: Centres | None = None

    @property
    def attribute(self) -> Attribute:
        """What the configuration says of it."""
        return Attribute(self.name, self.group, self.target, self.share_of)


class ConstraintRow(Document):
    """A constraint at the solution: its price, and E[q a], above 0 where it is violated.

    What was written before, if anything was, is added to E[q a], over the number of samples that
    are balanced. generation: whether it is of what the plan adds by itself: nothing is added there.
    bound: of a bound on a share. proof: its multipliers in the proofs of the certificate's
    least_excess, one a rank, if any.
    """

    kind: Kind
    attribute: str | None
    label: str | None
    sign: Sign
    generation: bool = False
    bound: Finite | None = None
    tolerance: Finite
    price: Annotated[Finite, Field(ge=0)]
    slack: float
    met: bool = Field(alias="attainable")
    proof: tuple[Annotated[Finite, Field(ge=0)], ...] | None = None

    @property
    def constraint(self) -> Constraint:
        """What is constrained."""
        named = (self.kind, self.attribute, self.label, self.sign)
        return Constraint(*named, self.bound, self.generation)

    @property
    def share(self) -> ShareBound:
        """The bound on a share that it is; ValueError where it has none."""
        if self.bound is None or (self.attribute is None) == (self.label is None):
            raise ValueError(f"a bound on a share is of one name: {self.constraint}")
        return ShareBound(self.attribute, self.label, self.sign, self.bound)
