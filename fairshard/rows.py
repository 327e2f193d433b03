"""The rows of any table as bit-packed flags: read once, a batch at a time, and little is kept."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from transforms.base.counts import first_of
from transforms.base.errors import ConfigError, FairshardError, reason_of
from transforms.statistics.patterns import LARGEST_UTILITY, packed_flags

_ROWS_AT_ONCE = 1 << 18
_MOST_NAMED = 10


@dataclass(frozen=True)
class TableRows:
    """n rows: flags, uint8 (n, ceil(columns / 8)), are bit-packed; utility is float64 (n,)."""

    flags: NDArray[np.uint8]
    utility: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.utility)

    def parts(self) -> Iterator["TableRows"]:
        """The same rows, 262,144 at a time."""
        for first in range(0, len(self), _ROWS_AT_ONCE):
            rows = slice(first, first + _ROWS_AT_ONCE)
            yield TableRows(self.flags[rows], self.utility[rows])


def rows_of(table: Any, flags: Sequence[str], utility: str | None) -> TableRows:
    """The columns `flags` of `table`, booleans, and its column `utility`, or 1 for each row.

    Raises ConfigError where there is no such column, FairshardError where one cannot be used.
    """
    wanted = list(flags) if utility is None else [*flags, utility]
    packed: list[NDArray[np.uint8]] = []
    utilities: list[NDArray[np.float64]] = []
    nulls, rows = Counter[str](), 0
    for batch in _batches(table, wanted):
        rows += batch.num_rows
        nulls.update({name: batch.column(name).null_count for name in wanted})
        if nulls.total():
            continue
        kept = [_flags(name, batch.column(name)) for name in flags]
        packed.append(packed_flags(pa.record_batch(kept, list(flags)), flags))
        utilities.append(_utility(utility, batch))
    for name, count in nulls.items():
        if count:
            raise FairshardError(
                f"the column {name!r} is null in {count:,} of {rows:,} rows: fill it (with False, "
                "where not known counts as no), or leave these rows out"
            )
    if not rows:
        raise FairshardError("the table has no rows; a stream that has been read has none any more")
    found = TableRows(np.concatenate(packed), np.concatenate(utilities))
    if found.utility.sum() > LARGEST_UTILITY:
        raise FairshardError(
            f"the column {utility!r} adds up to {found.utility.sum():.3g}, and is summed exactly "
            f"up to {LARGEST_UTILITY:.3g}: divide it by its mean"
        )
    return found


def _batches(table: Any, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The wanted columns of any table, by batches."""
    try:
        reader = _reader(table, wanted)
        names = reader.schema.names
        _check_named(wanted, names)
        for batch in reader:
            yield pa.record_batch([batch.column(names.index(name)) for name in wanted], wanted)
    except pa.ArrowException as error:
        raise FairshardError(f"the table cannot be read: {reason_of(error)}") from error


def _reader(table: Any, wanted: Sequence[str]) -> pa.RecordBatchReader:
    pandas = sys.modules.get("pandas")
    if pandas and isinstance(table, pandas.DataFrame):  # which converts all columns that it is left
        _check_named(wanted, table.columns)
        table = pa.Table.from_pandas(table.loc[:, list(wanted)], preserve_index=False)
    if hasattr(table, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(table)
    if hasattr(table, "__arrow_c_array__"):
        batch = pa.record_batch(table)
        return pa.RecordBatchReader.from_batches(batch.schema, [batch])
    raise FairshardError(
        "balance takes an Arrow table, a pandas or polars frame, or whatever else has "
        f"__arrow_c_stream__, not {type(table).__name__}: make one, as with pyarrow.table(...)"
    )


def _check_named(wanted: Iterable[str], names: Iterable[Any]) -> None:
    counted = Counter(names)
    for name in wanted:
        if counted[name] > 1:
            raise ConfigError(f"the table has {counted[name]} columns named {name!r}: rename them")
        if not counted[name]:
            there = [str(other) for other in counted]
            near = get_close_matches(name, there, n=3)
            raise ConfigError(
                f"the table has no column {name!r}"
                + (f": is it {' or '.join(map(repr, near))}?" if near else "")
                + ("" if near else f"; it has {first_of(there, _MOST_NAMED) or 'none'}")
            )


def _flags(name: str, column: pa.Array) -> pa.BooleanArray:
    if pa.types.is_boolean(column.type):
        return column
    if not pa.types.is_integer(column.type):
        raise FairshardError(
            f"the column {name!r} holds {column.type}, and attributes and labels are booleans (or "
            "0 and 1): make one by a comparison"
        )
    found = pc.min_max(column).as_py()
    for value in found.values():
        if value not in (0, 1, None):
            raise FairshardError(
                f"the column {name!r} holds {value}, and attributes and labels are booleans (or 0 "
                "and 1): make one by a comparison"
            )
    return column.cast(pa.bool_())


def _utility(name: str | None, batch: pa.RecordBatch) -> NDArray[np.float64]:
    if name is None:
        return np.ones(batch.num_rows)
    column = batch.column(name)
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise FairshardError(f"the column {name!r} holds {kind}, and a utility is a number")
    utility = np.asarray(column.cast(pa.float64(), safe=False).to_numpy())
    wrong = utility[~(np.isfinite(utility) & (utility >= 0))]
    if len(wrong):
        raise FairshardError(
            f"the column {name!r} holds {wrong[0]:g}, and a utility is a number from 0 up: fill or "
            "clip it, or leave these rows out"
        )
    return utility
