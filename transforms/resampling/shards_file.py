"""draw.parquet: what each input shard gives to the output, counted when the plan was drawn.

Shards are packed from it without another pass over the label tables. Where packing is by bytes,
shards with flips are not in it: these are drawn again.
"""

from collections.abc import Sequence
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.config.sections import OutputConfig
from transforms.labels.tables import digest, parquet_bytes
from transforms.plan.drawn_file import ShardsFile
from transforms.plan.plan import Plan
from transforms.resampling.packing import Kept
from transforms.storage import paths
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed

_COUNTS = ("samples", "kept", "units", "largest", "last")
_SCHEMA = pa.schema([("shard", pa.string()), *((name, pa.int64()) for name in _COUNTS)])


def publish_kept(kept: Sequence[Kept], output: OutputConfig, storage: Storage) -> ShardsFile:
    """Write what shards give; what a plan says of the file."""
    columns = {name: [getattr(entry, name) for entry in kept] for name in _SCHEMA.names}
    content = parquet_bytes(pa.table(columns, schema=_SCHEMA))
    storage.publish(paths.DRAW, content)
    return ShardsFile(by=_unit(output), bytes=len(content), digest=digest(content))


def is_counted(shard: str, plan: Plan, output: OutputConfig) -> bool:
    """Whether a plan's file says what a shard gives to an output that is packed so."""
    file = plan.file.draw and plan.file.draw.shards
    if not file or file.by != _unit(output):
        return False
    return file.by == "samples" or not len(plan.flips.of(shard))


def all_kept(
    kept: Sequence[Kept], plan: Plan, output: OutputConfig, storage: Storage
) -> list[Kept]:
    """What all shards give: those that were drawn again, the others as the plan's file has it.

    Raises FairshardError where the file is lost, or is another.
    """
    counted = {entry.shard: entry for entry in _read_kept(plan, output, storage)}
    return [*(counted | {entry.shard: entry for entry in kept}).values()]


def _read_kept(plan: Plan, output: OutputConfig, storage: Storage) -> list[Kept]:
    """What shards give, as far as a plan's file says it of an output that is packed so."""
    file = plan.file.draw and plan.file.draw.shards
    if not file or file.by != _unit(output):
        return []
    content, where = storage.read(paths.DRAW), storage.path(paths.DRAW)
    with well_formed(f"{where} is not what the plan drew: run `fairshard solve` again"):
        if (len(content), digest(content)) != (file.bytes, file.digest):
            raise ValueError("another file")
        table = pq.read_table(pa.BufferReader(content))
        if table.schema.remove_metadata() != _SCHEMA or any(c.null_count for c in table.columns):
            raise ValueError("other columns, or values are missing")
        if any(table.num_rows and pc.min(table[name]).as_py() < 0 for name in _COUNTS):
            raise ValueError("counts below 0")
        return [Kept(**row) for row in table.to_pylist()]


def _unit(output: OutputConfig) -> Literal["samples", "bytes"]:
    return "samples" if output.bytes_per_shard is None else "bytes"
