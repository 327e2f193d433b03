"""Tables in JSON lines: an object a line, of which each path names a column."""

from collections.abc import Iterator, Sequence
from typing import IO, Any

import pyarrow as pa
from pydantic_core import from_json

from transforms.recognition.fields import key_of, values_at
from transforms.tables.column_types import common_type, told

_LINES_AT_ONCE = 1 << 14
_BYTES_AT_ONCE = 2**24
_LONGEST_LINE = 2**26
_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
_LARGEST = 2**63


def json_batches(
    stream: IO[bytes], keys: Sequence[str], columns: Sequence[str]
) -> Iterator[pa.Table]:
    """The `keys` as text, and some columns, of a file; dots descend into objects and lists.

    A column is of lists where a line has several values; null where it has none.
    """
    for documents in _documents(stream):
        found = {name: _keys(documents, name) for name in keys}
        found |= {name: _column(documents, name) for name in columns if name not in found}
        yield pa.table(found)


def _documents(stream: IO[bytes]) -> Iterator[list[Any]]:
    documents: list[Any] = []
    size = number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise ValueError(f"line {number:,} is longer than {_LONGEST_LINE:,} bytes")
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if text.isspace():
            continue
        documents.append(_document(text, number))
        size += len(line)
        if len(documents) == _LINES_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield documents
            documents, size = [], 0
    yield documents


def _document(text: bytes, number: int) -> Any:
    try:
        document = from_json(text)
    except ValueError as error:
        raise ValueError(f"line {number:,} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError(f"line {number:,} holds no JSON object")
    return document


def _keys(documents: list[Any], name: str) -> pa.Array:
    values = (next(_values(document, name), None) for document in documents)
    return pa.array([key_of(value) for value in values], pa.string())


def _values(document: Any, name: str) -> Iterator[Any]:
    """The values of a document at a path, or of the field that is named so."""
    if name in document:
        name, document = "it", {"it": document[name]}
    return (value for value in values_at(document, name) if value is not None)


def _column(documents: list[Any], name: str) -> pa.Array:
    values = [list(_values(document, name)) for document in documents]
    kind = _type([value for each in values for value in each], name)
    if pa.types.is_floating(kind):
        values = [list(map(float, each)) for each in values]
    if any(len(each) > 1 for each in values):
        return pa.array([each or None for each in values], pa.list_(kind))
    return pa.array([each[0] if each else None for each in values], kind)


def _type(values: Sequence[Any], name: str) -> pa.DataType:
    kind = pa.null()
    for form in sorted(set(map(type, values)), key=str):
        if form not in _TYPES:
            raise ValueError(f"the column {name!r} holds objects: name a field of it, as {name}.x")
        try:
            kind = common_type(kind, _TYPES[form])
        except ValueError:
            first, second = told(kind), told(_TYPES[form])
            raise ValueError(
                f"the column {name!r} holds {first} and {second}: give it one type"
            ) from None
    beyond = kind == pa.int64() and any(abs(value) >= _LARGEST for value in values)
    return pa.float64() if beyond else kind
