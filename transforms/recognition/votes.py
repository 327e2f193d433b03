"""What several recognisers of one name decide together: `combine: any` and `combine: all`."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Votes:
    """Columns that some recogniser finds, and those that one misses although all must find them."""

    found: frozenset[int] = NOTHING
    missed: frozenset[int] = NOTHING

    @classmethod
    def of(cls, found: AbstractSet[int], required: frozenset[int]) -> Votes:
        """One recogniser's, which must find those `required` for them to be true."""
        given = frozenset(found)
        return cls(given, required - given)

    def __or__(self, other: Votes) -> Votes:
        return Votes(self.found | other.found, self.missed | other.missed)

    @property
    def columns(self) -> frozenset[int]:
        """The columns that are true."""
        return self.found - self.missed


NO_VOTES = Votes()
