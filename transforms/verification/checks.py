"""What a verification says: a row for each check."""

from dataclasses import dataclass
from typing import Literal

Result = Literal["agrees", "differs", "not checked"]


@dataclass
class Check:
    """One check as it goes: how much was looked at, what differs, what could not be looked at.

    name and question say what is checked; unit is what `checked` counts. found is a figure worth
    telling; where is the first difference, in a sentence; skipped is why something, or everything,
    was left out.
    """

    name: str
    question: str
    unit: str
    checked: int = 0
    differences: int = 0
    where: str = ""
    skipped: str = ""
    found: str = ""

    def expect(self, holds: bool, where: str) -> None:
        """Look at one thing; where it does not hold, `where` says so."""
        self.checked += 1
        if not holds:
            self.differ(where)

    def differ(self, where: str) -> None:
        """Note a difference in what was looked at."""
        self.differences += 1
        self.where = self.where or where

    def skip(self, why: str) -> None:
        """Note what is left out."""
        self.skipped = self.skipped or why

    @property
    def result(self) -> Result:
        """A difference counts more than a gap, and a gap more than what agrees."""
        if self.differences:
            return "differs"
        return "not checked" if self.skipped else "agrees"

    @property
    def remark(self) -> str:
        """The first difference, what was left out, or what was found."""
        if self.differences:
            more = self.differences - 1
            return f"{self.where} (and {more:,} more)" if more else self.where
        return self.skipped or self.found
