"""Tables that a plan vouches for: flips, and what each shard gives to the output."""

import io
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from transforms.base.errors import FairshardError
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed
from transforms.verification.checks import Check
from transforms.verification.figures import FlipsEntry, ShardsEntry


def read_vouched(
    storage: Storage,
    name: str,
    said: FlipsEntry | ShardsEntry | None,
    types: Mapping[str, pa.DataType],
    check: Check,
) -> pa.Table | None:
    """The table `name`, held against what plan.json says of it; None where it cannot be read."""
    there = storage.exists(name)
    if said is None:
        if there:
            check.differ(f"{name} is there, and plan.json vouches for none")
        return None
    if not there:
        check.differ(f"{name} is missing, and plan.json vouches for it")
        return None
    content = storage.read(name)
    found = (len(content), xxhash.xxh3_128_hexdigest(content))
    if found != (said.bytes, said.digest):
        check.differ(
            f"{name} has {found[0]:,} bytes and the digest {found[1]}; plan.json vouches for "
            f"{said.bytes:,} and {said.digest}"
        )
    try:
        with well_formed(f"{name} does not hold {' and '.join(types)}"):
            table = pq.read_table(io.BytesIO(content))
            columns = dict(zip(table.schema.names, table.schema.types, strict=True))
            if columns != types or any(column.null_count for column in table.columns):
                raise ValueError("other columns, or values are missing")
    except FairshardError as error:
        check.differ(str(error))
        return None
    return table
