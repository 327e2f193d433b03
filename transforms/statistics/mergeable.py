"""What a step gathers of a corpus, whatever it is of: statistics that are merged in any order."""

from typing import Protocol, Self


class Mergeable(Protocol):
    """A statistic as an accumulator: create, add, merge, extract.

    It is created empty or of one part of a corpus, and what is added to it is its own affair. Any
    two of a kind merge, and whatever was merged with what, and in which order, the same comes out,
    bit for bit. The model is TensorFlow Data Validation's `CombinerStatsGenerator`.
    """

    def merge(self, other: Self) -> Self:
        """What both hold; the first may be changed."""

    def extract(self) -> object:
        """What it comes to, in its one canonical form."""
