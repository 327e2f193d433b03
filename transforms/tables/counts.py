"""How many samples found rows in a table, and how many rows found samples, with examples."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.tables.accidents import likely_cause, shown
from transforms.tables.keys import hashes, shown_key

MOST_EXAMPLES = 5
_HARDLY = 0.01


@dataclass(frozen=True, slots=True)
class TableCounts:
    """The join of one table with samples, or with some of them; they add up.

    with_row, without_row: samples. keyless: those of `without_row` that have no key at all. rows,
    unmatched_rows: of the table, those that have a key; keyless_rows: those that have none. keys,
    unmatched_keys: its distinct keys. of_samples, of_rows: a few keys that found nothing, the
    smallest by (hash, key). empty: columns that have no value in any row. by_shards: each file was
    taken to be of the shard that is named as it is.
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
    keyless_rows: int = 0
    empty: tuple[str, ...] = ()
    by_shards: bool = False

    @property
    def samples(self) -> int:
        """All the samples that rows were looked for."""
        return self.with_row + self.without_row


def merged_counts(counts: Iterable[TableCounts]) -> tuple[TableCounts, ...]:
    """The counts of each table, added up, in the order in which tables come first."""
    found: dict[str, TableCounts] = {}
    for each in counts:
        one = found.get(each.table)
        found[each.table] = each if one is None else _added(one, each)
    return tuple(found.values())


def smallest(keys: pa.Array, others: tuple[str, ...] = ()) -> tuple[str, ...]:
    """A few of the keys, and of others: those whose hashes are the smallest, whatever the order."""
    hashed = hashes(keys)
    if len(least := np.unique(hashed)[:MOST_EXAMPLES]):
        keys = keys.filter(pa.array(hashed <= least[-1])).unique()
    distinct = pa.array(sorted({*keys.to_pylist(), *others}), pa.string())
    ordered = np.argsort(hashes(distinct), kind="stable")[:MOST_EXAMPLES]
    return tuple(distinct.take(pa.array(ordered)).to_pylist())


def require_matches(counts: Iterable[TableCounts]) -> None:
    """Raise FairshardError where no sample at all has found a row, with keys of both sides."""
    for each in counts:
        if each.samples and not each.with_row:
            raise FairshardError(f"the table {each.table} has a row for no sample: {_why(each)}")


def doubts(counts: Iterable[TableCounts]) -> Iterator[str]:
    """A sentence for all that is strange: hardly any matches, rows without keys, empty columns."""
    for each in counts:
        if each.keyless_rows > _HARDLY * each.rows:
            yield (
                f"the table {each.table} has {counted(each.keyless_rows, 'row')} without a key, "
                f"beside {each.rows:,} with one: see the column that its key is in"
            )
        for column in each.empty:
            yield (
                f"the column {column!r} of the table {each.table} has no value in any row: see how "
                "it is spelt in the table's files"
            )
        few_samples = each.with_row < _HARDLY * each.samples
        few_rows = each.rows - each.unmatched_rows < _HARDLY * each.rows
        if few_samples or few_rows:
            yield (
                f"the table {each.table} has rows for {each.with_row:,} of "
                f"{counted(each.samples, 'sample')}, and {counted(each.unmatched_rows, 'row')} of "
                f"its {each.rows:,} {'is' if each.unmatched_rows == 1 else 'are'} of none: "
                f"{_why(each)}"
            )


def _added(one: TableCounts, other: TableCounts) -> TableCounts:
    return replace(
        one,
        with_row=one.with_row + other.with_row,
        without_row=one.without_row + other.without_row,
        keyless=one.keyless + other.keyless,
        rows=one.rows + other.rows,
        unmatched_rows=one.unmatched_rows + other.unmatched_rows,
        keys=one.keys + other.keys,
        unmatched_keys=one.unmatched_keys + other.unmatched_keys,
        of_samples=smallest(pa.array(one.of_samples, pa.string()), other.of_samples),
        of_rows=smallest(pa.array(one.of_rows, pa.string()), other.of_rows),
        keyless_rows=one.keyless_rows + other.keyless_rows,
        empty=tuple(sorted({*one.empty, *other.empty})),
        by_shards=one.by_shards or other.by_shards,
    )


def _why(counts: TableCounts) -> str:
    """What the keys of both sides are, and what may be wrong with them."""
    if not counts.rows:
        return "no row of it has a key; see its column, and that its files are not empty"
    if counts.keyless == counts.samples:
        return "no sample has what it is joined by; see its key, and the samples' metadata"
    samples, rows = (tuple(map(shown_key, keys)) for keys in (counts.of_samples, counts.of_rows))
    cause = likely_cause(samples, rows)
    if counts.by_shards and not cause:
        cause = "; each file was taken to be of the shard of its name, which layout: any forbids"
    return f"samples have keys as {shown(samples)}, and rows as {shown(rows)}{cause}"
