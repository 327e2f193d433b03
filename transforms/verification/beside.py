"""What lies beside the output shards, held against what these hold: tables, and sizes."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.storage.wellformed import well_formed
from transforms.verification.checks import Check
from transforms.verification.evidence import (
    Evidence,
    ShardFigures,
)
from transforms.verification.formulas import weights
from transforms.verification.labels import LabelTable, read_table
from transforms.verification.stated import Stated

SIZES = "shards/sizes.json"
_TOLERANCE = 1e-9
_APART = ("key", "offset", "size")


@dataclass
class Copies:
    """The samples of an output shard as they were read: keys, and where each came from.

    origins: input shards by name; rows: of their label tables. A sample whose origin was not found
    has neither.
    """

    keys: list[str] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    @property
    def found(self) -> bool:
        """Whether the origin of each sample was found."""
        return len(self.keys) == len(self.rows)


def check_sizes(evidence: Evidence, check: Check) -> None:
    """Compare `sizes.json` with the manifest, where there is to be one."""
    if "sizes" not in evidence.there.beside:
        return
    said = {shard.name.rpartition("/")[2]: shard.samples for shard in evidence.there.shards}
    try:
        found = json.loads(evidence.storage.read(SIZES))
    except (FairshardError, ValueError):
        found = None
    if found != said:
        check.differ(f"{SIZES} does not say how many samples the shards hold")


def check_table(
    evidence: Evidence, stated: Stated, shard: ShardFigures, copies: Copies | None, check: Check
) -> None:
    """Compare the table beside a shard with the manifest and, where they are read, its samples."""
    if shard.table is None:
        return
    name = f"{shard.name.partition('.')[0]}.parquet"
    try:
        table = read_table(evidence.storage, name)
        with well_formed(f"{name} is no table that can be read"):
            rows = table.file.read()
    except FairshardError as error:
        check.differ(str(error))
        return
    found = (len(table.content), hashlib.sha256(table.content).hexdigest())
    if found != (shard.table.bytes, shard.table.sha256):
        check.differ(
            f"{name} has {found[0]:,} bytes and sha256 {found[1]}; manifest.json says "
            f"{shard.table.bytes:,} and {shard.table.sha256}"
        )
    check.checked += rows.num_rows
    if rows.num_rows != shard.samples:
        check.differ(f"{name} has {rows.num_rows:,} rows, the shard has {shard.samples:,} samples")
    elif copies is not None:
        for column, wanted in _wanted(evidence, stated, copies):
            _compare(name, rows, column, wanted, check)


def _wanted(
    evidence: Evidence, stated: Stated, copies: Copies
) -> Iterator[tuple[str, pa.Array | pa.ChunkedArray]]:
    """What each column is to hold, by its name."""
    yield "key", pa.array(copies.keys, pa.string())
    if not copies.found:
        return
    yield "from.shard", pa.array(copies.origins, pa.string())
    parts: dict[str, list[Any]] = {}
    for origin, pairs in groupby(zip(copies.origins, copies.rows, strict=True), lambda p: p[0]):
        table = read_table(evidence.storage, paths.labels(origin))
        taken = np.array([row for _, row in pairs], np.int64)
        for column, values in _of_origin(table, stated):
            parts.setdefault(column, []).append(values.take(pa.array(taken)))
    for column, chunks in parts.items():
        yield column, pa.chunked_array([c for each in chunks for c in _chunks(each)])


def _of_origin(
    table: LabelTable, stated: Stated
) -> Iterator[tuple[str, pa.Array | pa.ChunkedArray]]:
    """What a table beside a shard has of all samples of an input shard."""
    labels = table.file.read()
    yield "from.key", labels.column("key")
    yield "from.offset", labels.column("offset")
    for column in labels.column_names:
        if column not in _APART:
            yield column, labels.column(column)
    parts = list(table.labelled(stated, ()))
    if parts:
        flags = np.concatenate([part.flags for part in parts])
        for place, column in enumerate(stated.columns):
            if column in stated.rules:
                yield column, pa.array(np.ascontiguousarray(flags[:, place]))
        yield "q", pa.array(np.concatenate([weights(part.rows)[0] for part in parts]))


def _compare(
    name: str, rows: pa.Table, column: str, wanted: pa.Array | pa.ChunkedArray, check: Check
) -> None:
    if column not in rows.column_names:
        check.differ(f"{name} has no column {column!r}")
        return
    found = rows.column(column).to_pylist()
    for row, (mine, theirs) in enumerate(zip(wanted.to_pylist(), found, strict=True)):
        near = column == "q" and theirs is not None and abs(mine - theirs) <= _TOLERANCE
        if mine != theirs and not near:
            check.differ(f"{column} of row {row} of {name} is {theirs!r}, and should be {mine!r}")
            return


def _chunks(values: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    return values.chunks if isinstance(values, pa.ChunkedArray) else [values]
