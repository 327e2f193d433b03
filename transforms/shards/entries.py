"""The samples of a file of the corpus, whether it is a shard or a table."""

from collections.abc import Collection, Iterator
from typing import IO

from transforms.config.sections import Input, Members
from transforms.shards.parts import WHOLE
from transforms.shards.samples import Ignored, Reject, Sample, read_samples
from transforms.shards.table_rows import read_rows


def read_entries(
    stream: IO[bytes],
    source: Input,
    members: Members,
    span: range = WHOLE,
    named: str = "a file of the input",
    fields: Collection[str] | None = None,
) -> Iterator[Sample | Reject | Ignored]:
    """What `read_samples` gives of a shard, and `read_rows` of a table: the parts in `members`.

    `fields` are the columns of a table that are wanted as metadata, all where that is not given.
    """
    if source.tables:
        return read_rows(stream, source, members, span, named, fields)
    return read_samples(stream, members, source.limits, span, named)
