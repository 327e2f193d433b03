"""What an output shard is to hold: all that the writer of a format is given."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from transforms.shards.copying import Source


@dataclass(frozen=True)
class Contents:
    """The copies that an output shard holds, in order.

    sources: where they are, input shard by input shard, a piece a copy. labels: of each source, the
    rows of its label table that the pieces are copies of, a row a piece, with their weight `q`.
    kept: of each source, the keys of all that is kept of its input shard, here or in other shards.
    storage_options: those of the input.
    """

    sources: tuple[Source, ...]
    labels: tuple[pa.Table, ...]
    kept: tuple[pa.ChunkedArray, ...]
    storage_options: dict[str, Any]
