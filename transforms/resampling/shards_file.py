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
    return _is_of(plan, output) and (
        output.bytes_per_shard is None or not len(plan.flips.of(shard))
    )


def all_kept(
    kept: Sequence[Kept], plan: Plan, output: OutputConfig, storage: Storage
) -> list[Kept]:
    """What all shards give: those that were drawn again, the others as the plan's file has it."""
    counted = read_kept(plan, storage) if _is_of(plan, output) else []
    return [*({entry.shard: entry for entry in [*counted, *kept]}).values()]


def read_kept(plan: Plan, storage: Storage) -> list[Kept]:
    """What shards give, as a plan's file has it; FairshardError where it is lost or is another."""
    file = _file(plan)
    if file is None:
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


def _file(plan: Plan) -> ShardsFile | None:
    return plan.file.draw.shards if plan.file.draw else None


def _is_of(plan: Plan, output: OutputConfig) -> bool:
    """Whether what shards give is on file, of an output that is packed so."""
    file = _file(plan)
    return file is not None and file.by == _unit(output)


def _unit(output: OutputConfig) -> Literal["samples", "bytes"]:
    return "samples" if output.bytes_per_shard is None else "bytes"
