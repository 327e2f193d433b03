"""Label tables as they lie in the output, and their patterns counted again."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed
from transforms.verification.checks import Check
from transforms.verification.configured import FilterEntry
from transforms.verification.evidence import (
    Evidence,
    LabelRecordEvidence,
)
from transforms.verification.filters import Passing, column_of, passing
from transforms.verification.formulas import LabelledRows
from transforms.verification.stated import Stated, Vector

UTILITY_UNIT = 2.0**-20
BIN_OF_ZERO = 1 << 14
BINS_AN_OCTAVE = 16
BIN_BYTES = 2
_VALUES = pa.list_(
    pa.struct([("number", pa.float64()), ("text", pa.string()), ("truth", pa.bool_())])
)
_PATTERNS_WAITING = 1 << 20
_ROWS_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class Labelled:
    """Some rows of a label table, bool (n, m + c) and so on; balanced: those that the filter lets
    through.
    """

    rows: LabelledRows
    patterns: NDArray[np.uint8]
    passing: Passing
    balanced: NDArray[np.bool_]

    @property
    def flags(self) -> NDArray[np.bool_]:
        """What the rows are labelled with, attributes first, bool (n, m + c)."""
        bits = np.unpackbits(self.patterns[:, :-BIN_BYTES], axis=1)
        return bits[:, : len(self.rows.stated.columns)].astype(np.bool_)


@dataclass(frozen=True)
class LabelTable:
    """The bytes of a label table, and the file that they are."""

    name: str
    content: bytes
    file: pq.ParquetFile

    def labelled(self, stated: Stated, conditions: Sequence[FilterEntry]) -> Iterator[Labelled]:
        """All rows, some at a time; `conditions` are those of the filter."""
        wanted = list(dict.fromkeys([*stated.stored, "utility", *map(column_of, conditions)]))
        self._require(wanted)
        for batch in self._batches(stated.rows_at_once, wanted):
            known = {name: _values(batch, name).astype(np.bool_) for name in stated.stored}
            for name, rule in stated.rules.items():
                known[name] = rule.flags(known)
            flags = np.column_stack([known[name] for name in stated.columns])
            utility = _values(batch, "utility")
            passed = passing(batch, conditions)
            bins = bins_of(utility).astype(">u2").view(np.uint8).reshape(-1, BIN_BYTES)
            patterns = np.hstack([np.packbits(flags, axis=1), bins])
            rows = LabelledRows.of(stated, flags, utility)
            yield Labelled(rows, patterns, passed, passed.together)

    def places(self) -> tuple[list[str], list[int], list[int]]:
        """The key, the offset and the size of every row."""
        self._require(["key", "offset", "size"])
        key: list[str] = []
        offset: list[int] = []
        size: list[int] = []
        for batch in self._batches(_ROWS_AT_ONCE, ["key", "offset", "size"]):
            for values, name in ((key, "key"), (offset, "offset"), (size, "size")):
                values.extend(batch.column(name).to_pylist())
        return key, offset, size

    def rejected(self) -> tuple[list[str], list[str]]:
        """Of a table of rejects, the key and the error of every row."""
        self._require(["key", "error"])
        columns = self.file.read(["key", "error"])
        keys, errors = columns.columns
        if any(one.null_count or not pa.types.is_string(one.type) for one in (keys, errors)):
            raise FairshardError(
                f"{self.name} is not a table of rejects: delete it to label the shard again"
            )
        return keys.to_pylist(), errors.to_pylist()

    def _batches(self, rows: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Some columns, of the types that label tables have, so many rows at a time."""
        with well_formed(f"{self.name} is not a label table: delete it to label the shard again"):
            for batch in self.file.iter_batches(rows, columns=columns):
                for name in columns:
                    column = batch.column(name)
                    if column.null_count or not _is_of_kind(name, column.type):
                        raise ValueError(f"{name} is {column.type}, or has no value")
                yield batch

    def _require(self, columns: list[str]) -> None:
        missing = [name for name in columns if name not in self.file.schema_arrow.names]
        if missing:
            raise FairshardError(
                f"{self.name} has no column {missing[0]!r}: delete it to label the shard again"
            )


def read_table(storage: Storage, name: str) -> LabelTable:
    """The Parquet file `name`; FairshardError where it is none."""
    content = storage.read(name)
    try:
        return LabelTable(storage.path(name), content, pq.ParquetFile(io.BytesIO(content)))
    except pa.ArrowException as error:
        raise FairshardError(
            f"{storage.path(name)} is not Parquet that can be read: delete it, and run the stage "
            "that writes it"
        ) from error


def read_patterns(storage: Storage, flags: int) -> pa.Table:
    """The plan's patterns of so many flags; FairshardError where the file holds none."""
    file = read_table(storage, paths.PATTERNS).file
    types = [("pattern", pa.binary((flags + 7) // 8 + BIN_BYTES)), ("count", pa.int64())]
    types += [("utility_sum", pa.int64()), ("q", pa.float64())]
    where = storage.path(paths.PATTERNS)
    with well_formed(f"{where} is not the patterns of this plan: run `fairshard solve` again"):
        table = file.read([name for name, _ in types])
        if table.schema.types != [kind for _, kind in types]:
            raise ValueError("other types")
        if any(column.null_count for column in table.columns):
            raise ValueError("values are missing")
        return table


def bins_of(utility: Vector) -> NDArray[np.uint16]:
    """The bin of each utility: 0 for 0, else 16 equal bins between 2^e and 2^(e + 1)."""
    mantissa, exponent = np.frexp(utility)
    within = np.floor((2 * mantissa - 1) * BINS_AN_OCTAVE).astype(np.int64)
    bins = BIN_OF_ZERO + BINS_AN_OCTAVE * exponent.astype(np.int64) + within
    return np.where(utility > 0, bins, 0).astype(np.uint16)


@dataclass(frozen=True)
class Corpus:
    """The patterns of the balanced samples, counted: uint8 (P, width), int64 (P,), int64 (P,).

    Patterns are unique and in order; utility_sums are in units of 2^-20.
    """

    patterns: NDArray[np.uint8]
    counts: NDArray[np.int64]
    utility_sums: NDArray[np.int64]

    @property
    def samples(self) -> int:
        """All samples that were counted."""
        return int(self.counts.sum())

    @property
    def utility(self) -> Vector:
        """The mean utility of each pattern, (P,)."""
        return self.utility_sums * UTILITY_UNIT / self.counts

    def blocks(self, stated: Stated) -> Iterator[tuple[slice, LabelledRows]]:
        """All patterns, some at a time, and where they stand."""
        utility = self.utility
        for start in range(0, len(self.counts), stated.rows_at_once):
            here = slice(start, start + stated.rows_at_once)
            bits = np.unpackbits(self.patterns[here, :-BIN_BYTES], axis=1)
            yield here, LabelledRows.of(stated, bits[:, : len(stated.columns)], utility[here])


class Counter:
    """Counts patterns by Arrow's group_by."""

    def __init__(self) -> None:
        self._parts: list[pa.Table] = []
        self._waiting = 0

    def add(self, labelled: Labelled) -> None:
        """Count the balanced rows."""
        chosen = labelled.patterns[labelled.balanced]
        sums = np.rint(labelled.rows.u[labelled.balanced] / UTILITY_UNIT).astype(np.int64)
        ones = np.ones(len(sums), np.int64)
        self._parts.append(_grouped(pattern_table(chosen, ones, sums)))
        self._waiting += self._parts[-1].num_rows
        if self._waiting > max(_PATTERNS_WAITING, 2 * self._parts[0].num_rows):
            self._fold()

    def corpus(self) -> Corpus:
        """What was counted."""
        if not self._parts:
            raise FairshardError("the output has no label tables: there is nothing to verify")
        self._fold()
        table = self._parts[0].sort_by("pattern")
        counts, sums = (table.column(name).to_numpy() for name in ("count", "utility_sum"))
        return Corpus(patterns_of(table), counts, sums)

    def _fold(self) -> None:
        self._parts = [_grouped(pa.concat_tables(self._parts))]
        self._waiting = self._parts[0].num_rows


def pattern_table(
    patterns: NDArray[np.uint8], counts: NDArray[np.int64], sums: NDArray[np.int64]
) -> pa.Table:
    """Patterns, (n, width), with their counts and sums."""
    content = pa.py_buffer(np.ascontiguousarray(patterns))
    kind = pa.binary(patterns.shape[1])
    column = pa.Array.from_buffers(kind, len(patterns), [None, content])
    return pa.table({"pattern": column, "count": counts, "utility_sum": sums})


def patterns_of(table: pa.Table) -> NDArray[np.uint8]:
    """The patterns of a table, uint8 (n, width)."""
    column = table.combine_chunks().column("pattern")
    width = column.type.byte_width
    parts = [
        np.frombuffer(chunk.buffers()[1], np.uint8, len(chunk) * width, chunk.offset * width)
        for chunk in column.chunks
    ]
    return np.concatenate([np.empty(0, np.uint8), *parts]).reshape(-1, width)


def _values(batch: pa.RecordBatch, name: str) -> NDArray[Any]:
    return np.asarray(batch.column(name).to_numpy(zero_copy_only=False))


def _is_of_kind(name: str, kind: pa.DataType) -> bool:
    if name == "key":
        return bool(pa.types.is_string(kind))
    if name in ("offset", "size"):
        return bool(pa.types.is_integer(kind))
    if name.startswith(("s.", "y.")):
        return bool(pa.types.is_boolean(kind))
    if name.startswith(("value.", "joined.")):
        return bool(kind == _VALUES)
    return bool(pa.types.is_floating(kind))


def _grouped(table: pa.Table) -> pa.Table:
    grouped = table.group_by("pattern").aggregate([("count", "sum"), ("utility_sum", "sum")])
    return pa.table(
        {
            "pattern": grouped.column("pattern"),
            "count": grouped.column("count_sum"),
            "utility_sum": grouped.column("utility_sum_sum"),
        }
    )


def check_table(evidence: Evidence, record: LabelRecordEvidence, check: Check) -> LabelTable:
    """The label table of a shard, compared with its record."""
    name = record.shard.name
    table = read_table(evidence.storage, paths.labels(name))
    rejects = read_table(evidence.storage, paths.rejects(name))
    said = (record.table_bytes, record.table_digest, record.samples, record.rejects)
    found = (
        len(table.content),
        xxhash.xxh3_128_hexdigest(table.content),
        table.file.metadata.num_rows,
        rejects.file.metadata.num_rows,
    )
    check.expect(
        said == found,
        f"{table.name} and its rejects are not what was recorded when the shard was labelled: "
        f"bytes, digest, samples, rejects are {found}, recorded as {said}",
    )
    return table
