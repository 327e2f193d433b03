"""Metrics of label tables: counts, sums of integers and extremes, so that shards merge exactly.

Statistics as an accumulator (create, add, merge, extract): merging is associative and
commutative, so that every engine and every order of merging gives the same metrics.
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from transforms.config.schema import SIMILARITY, Schema
from transforms.labels.derived import with_derived
from transforms.labels.records import LabelRecord
from transforms.labels.tables import label_file
from transforms.storage.files import Storage

KEY, UTILITY = "key", "utility"
AS_CONFIGURED = "as configured"
UNIT = 2.0**-20
_ROWS_AT_ONCE = 1 << 18
_COSINE = 1.001
_EXACT = 2.0**62 * UNIT


@dataclass(frozen=True, slots=True)
class ColumnCounts:
    """What is known of a column. trues: of flags. not_finite: NaN or infinite values.

    out_of_range: similarities beyond [-1, 1] (by more than rounding) or utilities below 0.
    least, greatest: of the finite values; infinite where there is none. total: the sum of the
    finite values, in units of 2^-20.
    """

    rows: int = 0
    nulls: int = 0
    trues: int = 0
    not_finite: int = 0
    out_of_range: int = 0
    least: float = math.inf
    greatest: float = -math.inf
    total: int = 0

    def merge(self, other: "ColumnCounts") -> "ColumnCounts":
        """Of both."""
        return ColumnCounts(
            self.rows + other.rows,
            self.nulls + other.nulls,
            self.trues + other.trues,
            self.not_finite + other.not_finite,
            self.out_of_range + other.out_of_range,
            min(self.least, other.least),
            max(self.greatest, other.greatest),
            self.total + other.total,
        )

    @property
    def mean(self) -> float | None:
        """The mean of the finite values; None where there is none."""
        known = self.rows - self.nulls - self.not_finite
        return self.total * UNIT / known if known else None


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """What is known of a shard's table. schema: in words, what differs from the configured one."""

    rows: int
    repeated_keys: int
    schema: str


@dataclass
class LabelMetrics:
    """The metrics of label tables by column and by shard: create, add, merge, extract."""

    columns: dict[str, ColumnCounts] = field(default_factory=dict)
    shards: dict[str, ShardCounts] = field(default_factory=dict)

    def add(
        self, shard: str, parts: Iterable[pa.Table], found: pa.Schema, expected: pa.Schema
    ) -> Self:
        """Measure the label table of `shard`, given in parts of any columns.

        `found` is the schema of the table as written, `expected` the configured one.
        """
        rows, keys = 0, []
        for part in parts:
            rows += part.num_rows
            if KEY in part.column_names:
                keys += part.column(KEY).chunks
            for name in part.column_names:
                counted = column_counts(name, part.column(name))
                self.columns[name] = self.columns.get(name, ColumnCounts()).merge(counted)
        for name in set(expected.names) - set(found.names):
            absent = ColumnCounts(rows, rows)
            self.columns[name] = self.columns.get(name, ColumnCounts()).merge(absent)
        self.shards[shard] = ShardCounts(rows, repeated(keys), differing(found, expected))
        return self

    def merge(self, other: "LabelMetrics") -> Self:
        """Add all that `other` measured, of other shards."""
        for name, counts in other.columns.items():
            self.columns[name] = self.columns.get(name, ColumnCounts()).merge(counts)
        self.shards |= other.shards
        return self

    def extract(self) -> "LabelMetrics":
        """The same in the one canonical order: columns and shards by name."""
        return LabelMetrics(dict(sorted(self.columns.items())), dict(sorted(self.shards.items())))

    def to_json(self) -> bytes:
        """As one JSON object."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """The inverse of `to_json`."""
        values = json.loads(content)
        return cls(
            {name: ColumnCounts(**counts) for name, counts in values["columns"].items()},
            {name: ShardCounts(**counts) for name, counts in values["shards"].items()},
        )


def measure_shard(record: LabelRecord, schema: Schema, storage: Storage) -> LabelMetrics:
    """The metrics of one labelled shard; StaleError where its table is not the record's."""
    file = label_file(storage, record)
    wanted = [name for name in schema.arrow.names if name in file.schema_arrow.names]
    batches = file.iter_batches(_ROWS_AT_ONCE, columns=wanted, use_threads=False)
    parts = (with_derived(pa.Table.from_batches([batch]), schema.derived) for batch in batches)
    return LabelMetrics().add(record.shard.name, parts, file.schema_arrow, schema.arrow)


def column_counts(name: str, column: pa.ChunkedArray) -> ColumnCounts:
    """The counts of a column, or of a part of it."""
    rows, nulls = len(column), column.null_count
    if pa.types.is_boolean(column.type):
        trues = pc.sum(column).as_py() or 0
        falses = rows - nulls - trues
        least = 0.0 if falses else 1.0 if trues else math.inf
        greatest = 1.0 if trues else 0.0 if falses else -math.inf
        return ColumnCounts(rows, nulls, trues, 0, 0, least, greatest, trues * round(1 / UNIT))
    whole = pa.types.is_integer(column.type)
    if not (whole or pa.types.is_floating(column.type)):
        return ColumnCounts(rows, nulls)
    values = column.drop_null().to_numpy().astype(np.float64, copy=False)
    finite = np.isfinite(values)
    known = values if finite.all() else values[finite]
    return ColumnCounts(
        rows,
        nulls,
        0,
        len(values) - len(known),
        _beyond(name, known),
        float(known.min(initial=math.inf)) + 0.0,
        float(known.max(initial=-math.inf)) + 0.0,
        pc.sum(column).as_py() * round(1 / UNIT) if whole and len(known) else _total(known),
    )


def repeated(keys: Sequence[pa.Array]) -> int:
    """How many of a shard's keys were there before, given in chunks."""
    if not keys:
        return 0
    whole = pa.concat_arrays(keys)
    if not whole.null_count and pc.all(pc.less(whole[:-1], whole[1:])).as_py() is not False:
        return 0
    return int(len(whole) - whole.null_count - pc.count_distinct(whole).as_py())


def differing(found: pa.Schema, expected: pa.Schema) -> str:
    """What differs between two schemas, in words."""
    missing = [name for name in expected.names if name not in found.names]
    beyond = [name for name in found.names if name not in expected.names]
    said = [f"the column {name} is missing" for name in missing]
    said += [f"the column {name} was not asked for" for name in beyond]
    for wanted in expected:
        given = found.field(wanted.name) if wanted.name in found.names else wanted
        if given.type != wanted.type:
            said.append(f"the column {wanted.name} is {given.type}, not {wanted.type}")
        elif given.nullable and not wanted.nullable:
            said.append(f"the column {wanted.name} may hold nulls")
    if not said and found.names != expected.names:
        said.append("the columns are in another order")
    return "; ".join(said) or AS_CONFIGURED


def _total(values: NDArray[np.float64]) -> int:
    """The sum of values rounded to units, exactly, whatever their size and order."""
    if np.abs(values).max(initial=0.0) * len(values) < _EXACT:
        return int(np.round(values / UNIT).astype(np.int64).sum())
    return sum(round(Fraction(value) / Fraction(UNIT)) for value in values.tolist())


def _beyond(name: str, values: NDArray[np.float64]) -> int:
    if name == SIMILARITY:
        return int(np.count_nonzero(np.abs(values) > _COSINE))
    return int(np.count_nonzero(values < 0)) if name == UTILITY else 0
