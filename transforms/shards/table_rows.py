"""Reading tables as a corpus: each row of a Parquet file is a sample, its columns the metadata.

The caption of a row is a member of its own, as in shards, so that all that reads samples reads
rows. A row's place in its file is its number.
"""

import json
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.base.errors import ConfigError, FairshardError, reason_of
from transforms.base.nearest import did_you_mean
from transforms.config.sections import Input, Limits, Members
from transforms.shards.member_names import CONTROL, quoted
from transforms.shards.parts import WHOLE
from transforms.shards.runs import Loss, Reject, Sample

KEYS = ("key", "uid")
CAPTIONS = ("caption", "text", "TEXT")
ROW_DIGITS = 9
_ROWS_AT_ONCE = 4096
_ERRORS = (pa.ArrowException, ValueError, OSError, OverflowError)
_UNREADABLE = object()


def read_rows(
    stream: IO[bytes],
    source: Input,
    members: Members,
    span: range = WHOLE,
    table: str = "a table",
    fields: Collection[str] | None = None,
) -> Iterator[Sample | Reject]:
    """The rows of the Parquet file in `stream`, in order; what cannot be used gives Rejects.

    With a `span`, those alone whose row group begins in it. A row has those parts that `members`
    names; its metadata are the columns `fields`, all where that is not given. Raises ConfigError
    where a column of keys or captions is not there; errors name the `table`.
    """
    try:
        file = pq.ParquetFile(stream)
    except FairshardError:
        raise
    except _ERRORS as error:
        if span.start == 0:
            yield _lost(0, f"it is not Parquet that can be read: {reason_of(error)}")
        return
    if file.metadata.num_rows > source.limits.max_entries:
        raise FairshardError(
            f"{table} holds {file.metadata.num_rows:,} rows, more than input.limits.max_entries = "
            f"{source.limits.max_entries:,}: raise the limit, or split the table"
        )
    columns = _Columns.of(file.schema_arrow.names, source, members, table, fields)
    reading = _Reading(columns, members, source.limits)
    first = 0
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        place = _begin_of(group)
        try:
            if place in span:
                yield from reading.samples(file, number, first)
            elif place < span.start:
                reading.note_keys(file, number)
        except FairshardError:
            raise
        except _ERRORS as error:
            if place in span:
                yield _lost(place, f"its rows from {first:,} on cannot be read: {reason_of(error)}")
            return
        first += group.num_rows


def row_count(stream: IO[bytes]) -> int:
    """How many rows the Parquet file in `stream` has; FairshardError where it is none."""
    try:
        return int(pq.ParquetFile(stream).metadata.num_rows)
    except FairshardError:
        raise
    except _ERRORS as error:
        raise FairshardError(f"it is not Parquet that can be read: {reason_of(error)}") from error


@dataclass(frozen=True)
class _Columns:
    """The columns that are read: of keys (None: the row's number), captions, metadata.

    inner: the fields that lead from the column of captions to the caption.
    """

    key: str | None
    caption: str | None
    inner: tuple[str, ...]
    metadata: tuple[str, ...]

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        source: Input,
        members: Members,
        table: str,
        fields: Collection[str] | None,
    ) -> "_Columns":
        """Those of a file that has the columns `names`."""
        key = source.key_column or next((name for name in KEYS if name in names), None)
        if key is not None and key not in names:
            raise ConfigError(
                f"{table} has no column {quoted(key)}: correct input.key_column"
                f"{did_you_mean(key, names)}"
            )
        caption, inner = _caption_in(names, source, table) if members.caption else (None, ())
        wanted = [name for name in names if fields is None or name in fields]
        found = cls(key, caption, inner, tuple(wanted) if members.metadata else ())
        if twice := next((name for name in found.read if names.count(name) > 1), None):
            raise ConfigError(f"{table} has two columns that are named {quoted(twice)}: rename one")
        return found

    @property
    def read(self) -> list[str]:
        """All of them."""
        return list(dict.fromkeys(filter(None, (self.key, self.caption, *self.metadata))))


def _caption_in(names: Sequence[str], source: Input, table: str) -> tuple[str, tuple[str, ...]]:
    given = source.caption_field
    if given is None:
        found = next((name for name in CAPTIONS if name in names), None)
        if found is None:
            raise ConfigError(
                f"{table} has no column of captions ({', '.join(CAPTIONS)}): name it in "
                "input.caption_field"
            )
        return found, ()
    first, *inner = [given] if given in names else given.split(".")
    if first not in names:
        raise ConfigError(
            f"{table} has no column {quoted(first)}: correct input.caption_field"
            f"{did_you_mean(first, names)}"
        )
    return first, tuple(inner)


class _Reading:
    """Makes samples of rows; `seen` are the keys so far."""

    def __init__(self, columns: _Columns, members: Members, limits: Limits) -> None:
        self._columns = columns
        self._limits = limits
        self._caption = next((name.lower() for name in members.caption), "")
        self._metadata = next((name.lower() for name in members.metadata), "")
        self._seen: set[str] = set()

    def samples(self, file: pq.ParquetFile, group: int, first: int) -> Iterator[Sample | Reject]:
        """The rows of a group, whose first one has the number `first`."""
        wanted = self._columns.read
        for batch in file.iter_batches(
            _ROWS_AT_ONCE, row_groups=[group], columns=wanted, use_threads=False
        ):
            cells = {name: _cells(batch.column(batch.schema.names.index(name))) for name in wanted}
            for row in range(batch.num_rows):
                yield self._sample({name: cells[name][row] for name in wanted}, first + row)
            first += batch.num_rows

    def note_keys(self, file: pq.ParquetFile, group: int) -> None:
        """Take note of the keys of a group that another part reads."""
        if self._columns.key is not None:
            column = file.read_row_group(group, [self._columns.key], use_threads=False).column(0)
            self._seen.update(key for value in _cells(column) if (key := _key_of(value)))

    def _sample(self, row: dict[str, Any], number: int) -> Sample | Reject:
        name = self._columns.key
        key = f"{number:0{ROW_DIGITS}d}" if name is None else _key_of(row[name])
        if not key:
            return Reject("", "read", f"row {number:,} has no key: its column {name} holds none")
        if problem := self._problem_of(key):
            return Reject(key[: self._limits.max_name_bytes], "read", problem)
        if name is not None:
            self._seen.add(key)
        parts: dict[str, bytes] = {}
        if self._metadata:
            document = {column: row[column] for column in self._columns.metadata}
            odd = [column for column, value in document.items() if value is _UNREADABLE]
            if odd:
                return Reject(key, "metadata", f"its column {odd[0]} holds what cannot be read")
            parts[self._metadata] = _json(document)
            if (size := len(parts[self._metadata])) > self._limits.max_metadata_bytes:
                return _too_large(key, "metadata", size, self._limits.max_metadata_bytes)
        if self._columns.caption is not None:
            caption = _at(row[self._columns.caption], self._columns.inner)
            if not isinstance(caption, str):
                column = ".".join((self._columns.caption, *self._columns.inner))
                return Reject(key, "caption", f"its column {column} holds no text")
            parts[self._caption] = caption.encode()
            if (size := len(parts[self._caption])) > self._limits.max_caption_bytes:
                return _too_large(key, "caption", size, self._limits.max_caption_bytes)
        return Sample(key, number, 1, parts)

    def _problem_of(self, key: str) -> str:
        if key in self._seen:
            return "its key occurred before in this table"
        if CONTROL.search(key):
            return f"its key {quoted(key)} holds a control character"
        if (size := len(key.encode())) > self._limits.max_name_bytes:
            most = self._limits.max_name_bytes
            return f"its key has {size:,} bytes, more than input.limits.max_name_bytes = {most:,}"
        return ""


def _too_large(key: str, part: str, size: int, most: int) -> Reject:
    limit = f"input.limits.max_{part}_bytes = {most:,}"
    return Reject(key, part, f"its {part} has {size:,} bytes, more than {limit}")


def _lost(place: int, problem: str) -> Reject:
    return Reject("", "read", problem, Loss(place, problem))


def _begin_of(group: Any) -> int:
    """Where the first column of a row group begins in the file."""
    if not group.num_columns:
        return 0
    column = group.column(0)
    return int(column.dictionary_page_offset or column.data_page_offset)


def _cells(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The values of a column, those that Python has no form for apart."""
    try:
        return list(column.to_pylist(maps_as_pydicts="lossy"))
    except _ERRORS:
        return [_cell(value) for value in column]


def _cell(value: pa.Scalar) -> Any:
    try:
        return value.as_py(maps_as_pydicts="lossy")
    except _ERRORS:
        return _UNREADABLE


def _key_of(value: Any) -> str:
    """A key as text; "" where there is none."""
    match value:
        case str():
            return value
        case bool() | None:
            return ""
        case int():
            return str(value)
        case float():
            return "" if math.isnan(value) else str(int(value) if value.is_integer() else value)
        case bytes():
            return value.decode("utf-8", "replace")
        case _:
            return "" if value is _UNREADABLE else str(value)


def _at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _json(document: dict[str, Any]) -> bytes:
    """Columns as a JSON object."""
    return _ENCODER.encode(document).encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    """What JSON has for a value that it has no form for: times as ISO 8601, bytes as text."""
    match value:
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case bytes():
            return value.decode("utf-8", "replace")
        case _:
            return str(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=_plain, skipkeys=True)
