"""Arrays of numbers as JSON holds them: nested lists, null where a number is undefined."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainSerializer, PlainValidator, TypeAdapter

from transforms.storage.documents import Finite

_VECTOR = TypeAdapter(list[Finite | None])
_MATRIX = TypeAdapter(list[list[Finite | None]])


def nested(values: NDArray[np.float64]) -> list[Any]:
    """An array as nested lists, null where it is nan."""
    objects = values.astype(object)
    objects[np.isnan(values)] = None
    lists: list[Any] = objects.tolist()
    return lists


def _vector(values: object) -> NDArray[np.float64]:
    return np.array(_VECTOR.validate_python(values, strict=True), np.float64)


def _matrix(values: object) -> NDArray[np.float64]:
    rows = nested(values) if isinstance(values, np.ndarray) else values
    return np.array(_MATRIX.validate_python(rows, strict=True), np.float64)


JsonVector = Annotated[NDArray[np.float64], PlainValidator(_vector), PlainSerializer(nested)]
JsonMatrix = Annotated[NDArray[np.float64], PlainValidator(_matrix), PlainSerializer(nested)]
