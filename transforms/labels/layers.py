"""The layers of label tables: what is recognised in shards, and labels with tables joined to it.

Without tables the one is the other, and there are labels alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from transforms.storage import paths


@dataclass(frozen=True, slots=True)
class Layer:
    """Where a layer's table, rejects and record of a shard lie, by the shard's name.

    folders: those of the tables and of the rejects; records: that of the records.
    """

    table: Callable[[str], str]
    rejects: Callable[[str], str]
    record: Callable[[str], str]
    folders: tuple[str, str]
    records: str


LABELS = Layer(
    paths.labels,
    paths.rejects,
    paths.label_record,
    (paths.LABELS, paths.REJECTS),
    paths.LABEL_RECORDS,
)
RECOGNISED = Layer(
    paths.recognised,
    paths.rejected,
    paths.recognised_record,
    (paths.RECOGNISED, paths.REJECTED),
    paths.RECOGNISED_RECORDS,
)
