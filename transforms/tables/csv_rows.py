"""Tables in CSV, read in blocks; every column is text until all of them are known."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import IO

import pyarrow as pa
from pyarrow import csv as arrow_csv

from transforms.tables.lacking import require_columns

_BLOCK_BYTES = 2**23
_LONGEST_HEADER = 2**20
_DELIMITERS = (",", "\t", ";", "|")


def csv_batches(stream: IO[bytes], columns: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns of a file whose first line names all of them, as texts.

    They are separated by commas, tabs, semicolons or bars, whichever gives it the columns.
    """
    beginning = stream.read(_LONGEST_HEADER)
    header, delimiter = _header(beginning.decode("utf-8-sig", "replace"), columns)
    require_columns(columns, header)
    yield pa.table({name: pa.array([], pa.string()) for name in columns})
    if len(beginning.splitlines()) < 2:
        return
    stream.seek(0)
    reader = arrow_csv.open_csv(
        stream,
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            include_columns=list(dict.fromkeys(columns)),
            strings_can_be_null=False,
        ),
    )
    for batch in reader:
        yield pa.Table.from_batches([batch])


def _header(text: str, columns: Sequence[str]) -> tuple[list[str], str]:
    """The names in the first line, and what is between them; ValueError where there is no line."""
    headers = {each: _first_line(text, each) for each in _DELIMITERS}
    fitting = (each for each in _DELIMITERS if {*columns} <= {*headers[each]})
    delimiter = next(fitting, max(_DELIMITERS, key=lambda each: len(headers[each])))
    return headers[delimiter], delimiter


def _first_line(text: str, delimiter: str) -> list[str]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return next(line for line in lines if line)
    except StopIteration:
        raise ValueError("it is empty: its first line should name the columns") from None
