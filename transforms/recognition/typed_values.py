"""Values as label tables carry them: texts, numbers and truths stay what they are."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.config.schema import VALUE, VALUES
from transforms.recognition.conditions import in_64_bits, is_there

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
