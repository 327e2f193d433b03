"""The rows of a table, or of a bucket of it, by key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.tables.keys import shown_key
from transforms.tables.tasks import ROWS

_MOST_VALUES = 2**27

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class RowIndex:
    """Rows sorted by key: those of `keys[i]` are counts[i] rows from starts[i] on.

    Of one key they are in the order in which they were given.
    """

    keys: pa.Array
    counts: Codes
    starts: Codes
    columns: tuple[pa.Array, ...]

    @classmethod
    def of(cls, rows: pa.Table) -> RowIndex:
        """The index of rows, whose first column is the key."""
        keys, *columns = (column.combine_chunks() for column in rows.columns)
        encoded = keys.dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        order = pa.array(np.argsort(codes, kind="stable"))
        counts = np.bincount(codes, minlength=len(encoded.dictionary))
        return cls(
            encoded.dictionary,
            counts,
            np.cumsum(counts) - counts,
            tuple(column.take(order) for column in columns),
        )

    def find(self, keys: pa.Array) -> Codes:
        """The number of each key, -1 where no row has it."""
        found = pc.fill_null(pc.index_in(keys, value_set=self.keys), -1)
        return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)

    def lists(self, codes: Codes, table: str) -> list[pa.Array]:
        """For keys by number: how many rows each has, and the list of their values by column.

        Raises FairshardError where that is more than memory should hold.
        """
        counts = self.counts[codes]
        total = int(counts.sum())
        if total > _MOST_VALUES:
            most = int(codes[counts.argmax()])
            key = shown_key(self.keys[most].as_py())
            raise FairshardError(
                f"the table {table} has {self.counts[most]:,} rows of the key {key!r}, and many "
                f"samples have such keys: that makes more than {_MOST_VALUES:,} values; join by a "
                "key that tells samples apart"
            )
        ends = np.cumsum(counts)
        rows = np.repeat(self.starts[codes] - (ends - counts), counts) + np.arange(total)
        offsets = pa.array(np.concatenate([[0], ends]).astype(np.int32))
        taken = (column.take(pa.array(rows)) for column in self.columns)
        return [
            pa.array(counts.astype(np.int64)),
            *(pa.ListArray.from_arrays(offsets, values) for values in taken),
        ]


def list_schema(columns: pa.Schema) -> pa.Schema:
    """What `lists` gives, of rows of that schema, with the samples that they are of before it."""
    lists = ((field.name, pa.list_(field.type)) for field in list(columns)[1:])
    head = [("shard", pa.int32()), ("row", pa.int64()), (ROWS, pa.int64())]
    return pa.schema([*head, *lists])
