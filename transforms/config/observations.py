"""What recognisers note of the samples that a preview reads, for whoever wrote the settings."""

from collections.abc import Mapping
from dataclasses import dataclass

Cell = str | int


@dataclass(frozen=True, slots=True)
class Observation:
    """A table, and what to mend.

    rows: cells by the headings of the table, the most telling first. advice: sentences, likewise.
    """

    title: str
    rows: tuple[Mapping[str, Cell], ...] = ()
    advice: tuple[str, ...] = ()
