"""The weights of one shard, read from their file and checked."""

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.base.errors import FairshardError
from transforms.base.redaction import redacted_url
from transforms.base.visible import visible
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed

UNLABELLED = b"unlabelled"
PLAN = b"plan"
GENERATION = b"generation"


@dataclass(frozen=True)
class ShardWeights:
    """The copies of each sample of a shard that has labels, by key.

    file: where they were read. plan: the identity of their plan, "" where it is not said, which is
    that of this generation of the output.
    unlabelled: how many more samples a loader may find in the shard, that could not be labelled;
    met: those that were met.
    """

    file: str
    plan: str
    generation: int
    copies: dict[str, int]
    unlabelled: int
    met: set[str] = field(default_factory=set)

    def copies_of(self, key: str) -> int:
        """The copies of a sample; FairshardError where the shard cannot be that of the weights."""
        found = self.copies.get(key)
        if found is not None:
            return found
        self.met.add(key)
        if len(self.met) > self.unlabelled:
            raise FairshardError(
                f"{self.file} has no weight of the sample {visible(ascii(key)[1:-1])}: the weights "
                "are of another shard of that name, or of an earlier version of it; export those "
                "of the corpus that is loaded"
            )
        return 0


def read_weights(storage: Storage, name: str) -> ShardWeights:
    """The weights in a file; FairshardError where it holds none."""
    file = redacted_url(storage.path(name))
    with well_formed(_no_weights(file)):
        table = _read(storage, name, ["key", "copies"])
        keys, copies = table.column("key"), table.column("copies").cast(pa.int64())
        about = table.schema.metadata or {}
        weights = ShardWeights(
            file,
            about.get(PLAN, b"").decode(),
            int(about.get(GENERATION, b"0")),
            dict(zip(keys.to_pylist(), copies.to_pylist(), strict=True)),
            int(about.get(UNLABELLED, b"0")),
        )
        if len(weights.copies) != len(keys) or keys.null_count or copies.null_count:
            raise ValueError("a key occurs twice, or something is missing")
    return weights


def read_column(storage: Storage, name: str, column: str) -> pa.ChunkedArray:
    """A column of a file of weights."""
    with well_formed(_no_weights(redacted_url(storage.path(name)))):
        return _read(storage, name, [column]).column(column)


def _read(storage: Storage, name: str, columns: list[str]) -> pa.Table:
    return pq.read_table(pa.BufferReader(storage.read(name)), columns=columns, use_threads=False)


def _no_weights(file: str) -> str:
    return (
        f"{file} holds no weights (columns key and copies): write them again with "
        "`fairshard export OUTPUT weights`"
    )
