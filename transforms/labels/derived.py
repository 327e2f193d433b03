"""Derived columns, which label tables do not hold: computed as these are read, from what they do.

The one place where it is done: so all that reads label tables finds the same flags, and no sample
is labelled again where a derived name is added or changed.
"""

from collections.abc import Iterable, Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from transforms.config.columns import Derived


def stored_columns(columns: Iterable[str], derived: Sequence[Derived]) -> list[str]:
    """The columns of a label table that `columns` are, or follow from."""
    needed = dict.fromkeys(columns)
    for entry in reversed(derived):
        if entry.column in needed:
            needed |= dict.fromkeys(entry.parts)
    made = {entry.column for entry in derived}
    return [column for column in needed if column not in made]


def with_derived(
    table: pa.Table, derived: Iterable[Derived], wanted: Iterable[str] | None = None
) -> pa.Table:
    """`table` with the derived columns that can be made of it, or those that are `wanted` of all.

    `derived` are in the order of `Schema.derived`.
    """
    made = table
    there = {field.name for field in table.schema if pa.types.is_boolean(field.type)}
    for entry in derived:
        if there.issuperset(entry.parts):
            made = made.append_column(entry.column, _flags(made, entry))
            there.add(entry.column)
    return made if wanted is None else made.select(list(wanted))


def _flags(table: pa.Table, entry: Derived) -> pa.ChunkedArray:
    terms = [table.column(part) for part in entry.all_of]
    terms += [pc.invert(table.column(part)) for part in entry.none_of]
    if entry.any_of:
        terms.append(reduce(pc.or_, (table.column(part) for part in entry.any_of)))
    return reduce(pc.and_, terms)
