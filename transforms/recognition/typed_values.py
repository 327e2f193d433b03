"""Values as label tables carry them: texts, numbers and truths stay what they are."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.config.schema import VALUE, VALUES
from transforms.recognition.conditions import are_there, elements_of, in_64_bits, is_there

_EXACT = 2**53

Parts = tuple[float | None, str | None, bool | None]


def values_array(rows: Sequence[Sequence[Any]]) -> pa.ListArray:
    """What each sample has at one place, a list a sample; null and NaN are nothing."""
    present = [[value for value in row if is_there(value)] for row in rows]
    offsets = np.cumsum([0, *map(len, present)], dtype=np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), _structs(map(_parts, (value for row in present for value in row)))
    ).cast(VALUES)


def _structs(parts: Iterable[Parts]) -> pa.StructArray:
    numbers, texts, truths = tuple(zip(*parts, strict=True)) or ((), (), ())
    columns = [
        pa.array(values, field.type)
        for values, field in zip((numbers, texts, truths), VALUE, strict=True)
    ]
    return pa.StructArray.from_arrays(columns, fields=list(VALUE))


def _parts(value: Any) -> Parts:
    match value:
        case bool():
            return None, None, value
        case str():
            return None, value.encode("utf-8", "replace").decode(), None
        case int():
            number = in_64_bits(value)
            return number, None if number == value else str(value), None
        case float():
            return value, None, None
        case _:
            return None, None, None


def as_values(column: pa.Array | pa.ChunkedArray) -> pa.ListArray:
    """The same of the lists in a column of a table, whatever its type; times are their texts."""
    elements, rows = elements_of(column)
    there = are_there(elements)
    kept = elements.filter(pa.array(there))
    rows = (np.arange(len(elements)) if rows is None else rows)[there]
    offsets = np.searchsorted(rows, np.arange(len(column) + 1)).astype(np.int32)
    columns = [_part(kept, field.name).cast(field.type) for field in VALUE]
    values = pa.StructArray.from_arrays(columns, fields=list(VALUE))
    return pa.ListArray.from_arrays(pa.array(offsets), values).cast(VALUES)


def _part(elements: pa.Array, name: str) -> pa.Array:
    """What values are as a number, a text or a truth; null where they are none."""
    kind, types = elements.type, pa.types
    if name == "truth" and types.is_boolean(kind):
        return elements
    whole, other = types.is_integer(kind), types.is_floating(kind) or types.is_decimal(kind)
    if name == "number" and (whole or other):
        return elements.cast(pa.float64(), safe=False)
    if name == "text" and (types.is_large_string(kind) or types.is_temporal(kind)):
        return elements.cast(pa.string())
    if name == "text" and whole:
        numbers = elements.to_pylist() if _is_large(elements) else []
        digits = [None if float(number) == number else str(number) for number in numbers]
        return pa.array(digits or [None] * len(elements), pa.string())
    return pa.nulls(len(elements))


def _is_large(elements: pa.Array) -> bool:
    """Whether one of the whole numbers may be another one as a float64."""
    if not len(elements):
        return False
    ends = pc.min_max(elements).as_py()
    return bool(max(-ends["min"], ends["max"]) > _EXACT)
