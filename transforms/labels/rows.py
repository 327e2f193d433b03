"""Gathering the rows of a label table, and of a reject table, in little memory."""

from array import array
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from transforms.config.schema import CARRIED, SIMILARITY, Schema
from transforms.labels.tables import REJECTS
from transforms.shards.samples import Reject


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the label table.

    columns: the numbers of the boolean columns that are true. carried: of each of `Schema.carried`.
    """

    key: str
    offset: int
    size: int
    columns: AbstractSet[int]
    similarity: float | None
    utility: float
    mixed: bool = False
    carried: tuple[str | None, ...] = ()


class LabelRows:
    """The rows of a label table so far; of a boolean column, only the rows where it is true.

    `mixed` of them are of samples with members of none between their own.
    """

    def __init__(self, schema: Schema) -> None:
        self.mixed = 0
        self._schema = schema
        self._keys: list[str] = []
        self._offsets = array("q")
        self._sizes = array("q")
        self._true = [array("q") for _ in schema.recognised]
        self._similarities = array("f")
        self._utilities = array("d")
        self._carried: list[list[str | None]] = [[] for _ in schema.carried]

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, row: Row) -> None:
        """Append `row`."""
        for column in row.columns:
            self._true[column].append(len(self._keys))
        self._keys.append(row.key)
        self._offsets.append(row.offset)
        self._sizes.append(row.size)
        self._utilities.append(row.utility)
        self.mixed += row.mixed
        for values, value in zip(self._carried, row.carried, strict=True):
            values.append(value)
        if row.similarity is not None:
            self._similarities.append(row.similarity)

    def table(self) -> pa.Table:
        """The label table, in the schema's column order."""
        columns = {
            "key": pa.array(self._keys, pa.string()),
            "offset": pa.array(np.frombuffer(self._offsets, np.int64)),
            "size": pa.array(np.frombuffer(self._sizes, np.int64)),
            SIMILARITY: pa.array(np.frombuffer(self._similarities, np.float32)),
            "utility": pa.array(np.frombuffer(self._utilities, np.float64)),
        }
        for entry, true in zip(self._schema.recognised, self._true, strict=True):
            values = np.zeros(len(self), np.bool_)
            values[np.frombuffer(true, np.int64)] = True
            columns[entry.column] = pa.array(values)
        for path, carried in zip(self._schema.carried, self._carried, strict=True):
            columns[f"{CARRIED}{path}"] = pa.array(carried, pa.string())
        schema = self._schema.arrow
        return pa.table([columns[name] for name in schema.names], schema=schema)


def reject_table(rejects: Sequence[Reject]) -> pa.Table:
    """The rejects of a shard as a table."""
    columns = {name: [getattr(reject, name) for reject in rejects] for name in REJECTS.names}
    return pa.table(columns, schema=REJECTS)
