"""Formats that list samples cannot say how often: a plan that repeats some is refused there."""

import numpy as np
import pyarrow as pa

from transforms.base.errors import FairshardError
from transforms.base.visible import visible
from transforms.labels.records import LabelRecord


def refuse_repeats(rows: pa.Table, record: LabelRecord, name: str) -> None:
    """Raise FairshardError where some of the rows of a shard are to be written more than once."""
    copies = rows.column("copies").to_numpy()
    if (repeated := np.flatnonzero(copies > 1)).size:
        row = int(repeated[0])
        key = visible(rows.column("key")[row].as_py())
        raise FairshardError(
            f"{name} says of a sample that it is kept or dropped, and this plan repeats some "
            f"({key!r} of {record.shard.name} is to be there {int(copies[row]):,} times): solve "
            "with a largest weight of 1 (`--set balance.Q=1`), or export `weights`, which say how "
            "often"
        )
