"""How many samples found rows in a table, and how many rows found samples, with examples."""

from collections.abc import Iterable
from dataclasses import dataclass

MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class TableCounts:
    """The join of one table with samples, or with some of them; they add up.

    with_row, without_row: samples. keyless: those of `without_row` that have no key at all. rows,
    unmatched_rows: of the table. keys, unmatched_keys: its distinct keys. of_samples, of_rows: a
    few keys that found nothing, the smallest by (hash, key).
    """

    table: str
    with_row: int = 0
    without_row: int = 0
    keyless: int = 0
    rows: int = 0
    unmatched_rows: int = 0
    keys: int = 0
    unmatched_keys: int = 0
    of_samples: tuple[str, ...] = ()
    of_rows: tuple[str, ...] = ()


def merged_counts(counts: Iterable[TableCounts]) -> tuple[TableCounts, ...]:
    """The counts of each table, added up, in the order in which tables come first."""
    raise NotImplementedError


def require_matches(counts: Iterable[TableCounts]) -> None:
    """Raise FairshardError where no sample at all has found a row, with keys of both sides."""
    raise NotImplementedError


def doubts(counts: Iterable[TableCounts]) -> tuple[str, ...]:
    """A sentence for each table in which hardly any sample has found a row, or row a sample."""
    raise NotImplementedError
