"""The samples that get one copy more or fewer than systematic sampling gives them."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.base.counts import counted
from transforms.storage import paths
from transforms.verification.checks import Check
from transforms.verification.evidence import Evidence
from transforms.verification.vouched import read_vouched

Rows = NDArray[np.int64]
_TYPES = {"shard": pa.string(), "row": pa.int64()}


def read_flips(evidence: Evidence, check: Check) -> Mapping[str, Rows]:
    """The rows of label tables that are flipped, by input shard, once each.

    Held against what plan.json says of their file; rows that there are not are left out.
    """
    said = evidence.plan.draw.flips if evidence.plan.draw else None
    table = read_vouched(evidence.storage, paths.FLIPS, said, _TYPES, check)
    if said is None or table is None:
        return {}
    if table.num_rows != said.count:
        check.differ(
            f"{paths.FLIPS} lists {counted(table.num_rows, 'flip')}, plan.json says {said.count:,}"
        )
    found: dict[str, list[int]] = {}
    for shard, row in zip(*(table.column(name).to_pylist() for name in _TYPES), strict=True):
        found.setdefault(shard, []).append(row)
    return {shard: _once(shard, rows, evidence, check) for shard, rows in found.items()}


def _once(shard: str, rows: list[int], evidence: Evidence, check: Check) -> Rows:
    """The rows of a shard's label table among these, each once."""
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
    return once[(once >= 0) & (once < samples)]
