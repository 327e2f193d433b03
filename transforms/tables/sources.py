"""The tables of a configuration as sources of rows."""

import bz2
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

import pyarrow as pa

from transforms.base.errors import ConfigError, FairshardError, reason_of
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.config.tables import TableKey, TableSource
from transforms.recognition.recognisers.column import ColumnMatch
from transforms.recognition.settings import recognitions
from transforms.tables.column_types import common_types, plain, types_in
from transforms.tables.csv_rows import csv_batches
from transforms.tables.embeddings import EmbeddingRows
from transforms.tables.files import (
    FoundFile,
    file_name,
    found_files,
    opened,
    require_unchanged_file,
)
from transforms.tables.json_rows import json_batches
from transforms.tables.keys import key_texts, member_keys
from transforms.tables.lacking import LackingError
from transforms.tables.parquet_rows import parquet_batches
from transforms.tables.rows import KEY, Layout, Missing, RowFile, Rows

FORMATS = {
    ".parquet": "parquet",
    ".parq": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_PACKED = (".gz", ".zst", ".bz2")
_PART_BYTES = 2**28
_BZIP2 = b"BZh"
_NO_TEXT = {b"PAR1": "a Parquet file", b"\xff\xfe": "text in UTF-16", b"\xfe\xff": "text in UTF-16"}


def rows_of(config: Config) -> tuple[Rows, ...]:
    """All that samples are joined with."""
    columns = columns_of(config)
    tables = (
        TableFiles(name, source, columns.get(name, ())) for name, source in config.tables.items()
    )
    embeddings = (EmbeddingRows(name, config) for name in config.embeddings)
    return (*tables, *(rows for rows in embeddings if rows.columns))


def columns_of(config: Config) -> Mapping[str, tuple[str, ...]]:
    """The columns that names, the filter and the utility ask of each table, sorted."""
    found: dict[str, set[str]] = {}
    utility = (config.utility.column,) if config.utility.column else ()
    for column in (*schema_of(config).joined, *utility):
        found.setdefault(column.table, set()).add(column.name)
    for given in recognitions(config):
        for settings in given.values():
            if isinstance(settings, ColumnMatch):
                found.setdefault(settings.table, set()).add(settings.name)
    return {table: tuple(sorted(columns)) for table, columns in found.items()}


@dataclass(frozen=True)
class TableFiles:
    """A table in Parquet, CSV or JSON lines, as `Rows`."""

    name: str
    source: TableSource
    columns: tuple[str, ...]

    @property
    def key(self) -> TableKey:
        """By what its rows find samples."""
        return self.source.key

    @property
    def missing(self) -> Missing:
        """What becomes of a sample without a row."""
        return self.source.missing

    @property
    def layout(self) -> Layout:
        """Whether its files are named as the shards are."""
        return self.source.layout

    def untyped(self, file: RowFile) -> bool:
        """Whether it is CSV."""
        return self._format(file.url) == "csv"

    def types(self, file: RowFile) -> Mapping[str, pa.DataType]:
        """Its columns and their types in a file; only of Parquet the file may say them."""
        tables, texts = self._read(file, self.source.storage_options), self.untyped(file)
        with self._sentences(file):
            first = next(tables)
            found = types_in(self._keyed(first), texts)
            if self._format(file.url) != "parquet" or _may_be_beyond(first):
                for table in tables:
                    found = common_types(found, types_in(self._keyed(table), texts), texts)
            return found

    def identity(self) -> Any:
        """The columns that are read, as what they are."""
        key = self.key.model_dump(mode="json")
        return {"key": key, "columns": self.columns, "format": self.source.format}

    def files(self) -> tuple[RowFile, ...]:
        """Its files, sorted by URL, large ones in Parquet in parts."""
        given = f"tables.{self.name}.url"
        options = self.source.storage_options
        found = found_files(given, self.source.url, options, self._takes)
        formats = {self._format(file.url): file.url for file in found}
        if len(formats) > 1:
            (one, first), (other, second), *_ = formats.items()
            raise ConfigError(
                f"{given}: {first} is {one} and {second} is {other}: make a table of each"
            )
        return tuple(part for file in found for part in self._parts(file))

    def batches(self, file: RowFile) -> Iterator[pa.Table]:
        """The rows of a file, or of its part, in their order; see `Rows`."""
        options, found = self.source.storage_options, FoundFile(file.url, file.bytes, file.version)
        with self._sentences(file):
            for table in self._read(file, options):
                yield self._keyed(table)
        require_unchanged_file(found, options)

    def _parts(self, file: FoundFile) -> Iterator[RowFile]:
        splits = self._format(file.url) == "parquet"
        parts = max(1, -(-file.bytes // _PART_BYTES)) if splits else 1
        for part in range(parts):
            yield RowFile(self._stem(file.url), (file.url,), file.bytes, file.version, part, parts)

    def _stem(self, url: str) -> str:
        name = re.sub(rf"({'|'.join(map(re.escape, _PACKED))})\Z", "", file_name(url), flags=re.I)
        return name.rpartition(".")[0] or name

    def _takes(self, name: str) -> bool:
        if self.source.format is not None:
            return not name.startswith("_")
        return self._format(name) != ""

    def _format(self, url: str) -> str:
        """The format of a file, "" where its name does not say it."""
        if self.source.format is not None:
            return self.source.format
        name = file_name(url).lower()
        packed = next((ending for ending in _PACKED if name.endswith(ending)), "")
        name = name.removesuffix(packed)
        found = next((form for ending, form in FORMATS.items() if name.endswith(ending)), "")
        return "" if packed and found == "parquet" else found

    def _read(self, file: RowFile, options: dict[str, Any]) -> Iterator[pa.Table]:
        keys, columns = self.key.columns, self.columns
        wanted = tuple(dict.fromkeys((*keys, *columns)))
        if self._format(file.url) == "parquet":
            with opened(file.url, options, file.bytes, "") as stream:
                yield from parquet_batches(stream, wanted, file.part, file.parts)
            return
        with opened(file.url, options, file.bytes) as packed:
            stream = _unpacked(packed)
            if self._format(file.url) == "csv":
                yield from csv_batches(stream, wanted)
            else:
                yield from json_batches(stream, keys, columns)

    def _keyed(self, table: pa.Table) -> pa.Table:
        """The rows with their key first, and the columns in their plain types."""
        try:
            keys = [key_texts(_whole(table, name)) for name in self.key.columns]
        except ValueError as error:
            raise ValueError(f"its key: {error}") from error
        columns = [member_keys(*keys) if self.key.by == "member" else keys[0]]
        for name in self.columns:
            try:
                columns.append(plain(_whole(table, name)))
            except ValueError as error:
                raise ValueError(f"its column {name!r}: {error}") from error
        return pa.table(columns, names=[KEY, *self.columns])

    @contextmanager
    def _sentences(self, file: RowFile) -> Iterator[None]:
        """What is wrong with a file, in one sentence that names it."""
        try:
            yield
        except FairshardError:
            raise
        except LackingError as error:
            raise ConfigError(f"the table {self.name}: its file {file.url} {error}") from None
        except Exception as error:  # damaged files make parsers raise anything
            raise FairshardError(
                f"the table {self.name}: its file {file.url} cannot be read: {reason_of(error)}; "
                "restore or correct the file, or leave it out"
            ) from None


def _may_be_beyond(table: pa.Table) -> bool:
    """Whether its columns may hold whole numbers that an int64 does not."""
    return any("uint64" in str(kind) for kind in table.schema.types)


def _whole(table: pa.Table, name: str) -> pa.Array:
    """A column as one array."""
    column = table.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _unpacked(stream: IO[bytes]) -> IO[bytes]:
    """What bzip2 packed, plain; ValueError where a stream holds no text."""
    beginning = stream.peek(4)  # type: ignore[attr-defined]
    if beginning.startswith(_BZIP2):
        return cast(IO[bytes], bz2.BZ2File(stream))
    for magic, kind in _NO_TEXT.items():
        if beginning.startswith(magic):
            raise ValueError(f"it is {kind}, and should be text in UTF-8")
    return stream
