"""What a gate expects: one of Great Expectations' expectations, of one table, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Stage = Literal["labels", "plan", "output"]
Severity = Literal["critical", "warning"]
STAGES: tuple[Stage, ...] = ("labels", "plan", "output")


@dataclass(frozen=True)
class Expectation:
    """An expectation of type `type` (expect_...), with its arguments, of the table `table`.

    says: what is expected, as a sentence without its end. A critical one stops a run. each: what is
    found of a row that is not as expected, with its columns in braces; '' for its value and name.
    """

    table: str
    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    says: str
    each: str = ""


@dataclass(frozen=True)
class Table:
    """A table to check: a pandas or a Spark data frame, and the column that names its rows.

    counted: the columns that say more of a row, how many samples it stands for first. `renamed`
    gives the names of columns that the frame calls otherwise.
    """

    frame: Any
    index: str | None = None
    counted: tuple[str, ...] = ()
    renamed: Mapping[str, str] | None = None

    @property
    def naming(self) -> tuple[str, ...]:
        """The columns that say which row one is, and more of it."""
        return (*((self.index,) if self.index else ()), *self.counted)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by their own names."""
        back = {new: old for old, new in (self.renamed or {}).items()}
        return tuple(back.get(name, name) for name in self.frame.columns)


def between(
    table: str,
    column: str,
    says: str,
    severity: Severity = "critical",
    each: str = "",
    **limits: float | bool,
) -> Expectation:
    """Every value of `column` lies within min_value and max_value (strict_min, strict_max)."""
    return Expectation(
        table,
        "expect_column_values_to_be_between",
        {"column": column, **limits},
        severity,
        says,
        each,
    )


def none(
    table: str, column: str, says: str, severity: Severity = "critical", each: str = ""
) -> Expectation:
    """Every value of `column`, a count of what must not be, is 0."""
    return between(table, column, says, severity, each, min_value=0, max_value=0)
