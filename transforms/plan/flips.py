"""Flips: samples that get one copy more, or fewer, than systematic sampling gives them.

They are chosen for the whole corpus, so that bounds hold of what is written and not only of what
is expected (transforms/m4/rounding.py). Every sample still gets floor(q) or ceil(q) copies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from transforms.labels.tables import digest, parquet_bytes
from transforms.plan.drawn_file import FlipsFile
from transforms.storage import paths
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed

_SCHEMA = pa.schema([("shard", pa.string()), ("row", pa.int64())])
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True)
class Flips:
    """The rows of label tables that are flipped, rising int64 (n,), by input shard."""

    rows: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))

    def of(self, shard: str) -> NDArray[np.int64]:
        """The rows that are flipped of an input shard."""
        return self.rows.get(shard, _NONE)

    @property
    def table(self) -> pa.Table:
        """A row a flip, in order of shard and row."""
        shards = sorted(name for name, rows in self.rows.items() if len(rows))
        names = np.repeat(np.array(shards, object), [len(self.rows[name]) for name in shards])
        rows = np.concatenate([_NONE, *(self.rows[name] for name in shards)])
        return pa.table([pa.array(names, pa.string()), pa.array(rows)], schema=_SCHEMA)

    @classmethod
    def from_table(cls, table: pa.Table) -> Self:
        """The inverse of `table`; ValueError where it is no such table."""
        if table.schema.remove_metadata() != _SCHEMA or any(c.null_count for c in table.columns):
            raise ValueError("other columns, or values are missing")
        shards = table.column("shard").combine_chunks().dictionary_encode()
        place, rows = shards.indices.to_numpy(), table.column("row").to_numpy()
        return cls(
            {
                name: np.sort(rows[place == number])
                for number, name in enumerate(shards.dictionary.to_pylist())
            }
        )


def publish_flips(flips: Flips, storage: Storage) -> FlipsFile | None:
    """Write flips; what a plan says of their file. None, and no file, where there is none."""
    if not len(flips):
        storage.delete(paths.FLIPS)
        return None
    content = parquet_bytes(flips.table)
    storage.publish(paths.FLIPS, content)
    return FlipsFile(count=len(flips), bytes=len(content), digest=digest(content))


def read_flips(file: FlipsFile | None, storage: Storage) -> Flips:
    """The flips that a plan vouches for; FairshardError where they are lost or are others."""
    if file is None:
        return Flips()
    content, where = storage.read(paths.FLIPS), storage.path(paths.FLIPS)
    with well_formed(f"{where} is not what the plan chose: run `fairshard solve` again"):
        if (len(content), digest(content)) != (file.bytes, file.digest):
            raise ValueError("another file")
        return Flips.from_table(pq.read_table(pa.BufferReader(content)))
