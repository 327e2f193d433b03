"""The samples that get one copy more or fewer than systematic sampling gives them."""

import io
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.storage.wellformed import well_formed
from transforms.verification.checks import Check
from transforms.verification.evidence import Evidence

Rows = NDArray[np.int64]
_TYPES = {"shard": pa.string(), "row": pa.int64()}


def read_flips(evidence: Evidence, check: Check) -> Mapping[str, Rows]:
    """The rows of label tables that are flipped, by input shard, once each.

    Held against what plan.json says of their file; rows that there are not are left out.
    """
    draw, there = evidence.plan.draw, evidence.storage.exists(paths.FLIPS)
    said = draw.flips if draw else None
    if said is None:
        if there:
            check.differ(f"{paths.FLIPS} is there, and plan.json vouches for none")
        return {}
    if not there:
        check.differ(f"{paths.FLIPS} is missing, and plan.json vouches for it")
        return {}
    content = evidence.storage.read(paths.FLIPS)
    found = (len(content), xxhash.xxh3_128_hexdigest(content))
    if found != (said.bytes, said.digest):
        check.differ(
            f"{paths.FLIPS} has {found[0]:,} bytes and the digest {found[1]}; plan.json vouches "
            f"for {said.bytes:,} and {said.digest}"
        )
    try:
        table = _parsed(content)
    except FairshardError as error:
        check.differ(str(error))
        return {}
    if table.num_rows != said.count:
        check.differ(
            f"{paths.FLIPS} lists {counted(table.num_rows, 'flip')}, plan.json says {said.count:,}"
        )
    return _by_shard(table, evidence, check)


def _parsed(content: bytes) -> pa.Table:
    with well_formed(f"{paths.FLIPS} does not list shards and rows"):
        table = pq.read_table(io.BytesIO(content))
        types = dict(zip(table.schema.names, table.schema.types, strict=True))
        if types != _TYPES or any(column.null_count for column in table.columns):
            raise ValueError("other columns, or values are missing")
    return table


def _by_shard(table: pa.Table, evidence: Evidence, check: Check) -> Mapping[str, Rows]:
    found: dict[str, list[int]] = {}
    for shard, row in zip(*(table.column(name).to_pylist() for name in _TYPES), strict=True):
        found.setdefault(shard, []).append(row)
    flips = {}
    for shard, rows in found.items():
        record = evidence.records.get(shard)
        samples = record.samples if record else 0
        if record is None:
            check.differ(f"{paths.FLIPS} flips a row of {shard!r}, which is no shard of the input")
        elif not 0 <= min(rows) <= max(rows) < samples:
            check.differ(
                f"{paths.FLIPS} flips row {max(rows) if min(rows) >= 0 else min(rows)} of {shard}, "
                f"which has {counted(samples, 'row')}"
            )
        once = np.unique(np.array(rows, np.int64))
        if len(once) < len(rows):
            check.differ(f"{paths.FLIPS} flips a row of {shard} twice")
        flips[shard] = once[(once >= 0) & (once < samples)]
    return flips
