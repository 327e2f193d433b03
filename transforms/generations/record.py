"""The record of a generation: what it was made from and wrote, and the files that tell of it."""

import json
from typing import Any, Literal, Self

from pydantic import Field, TypeAdapter

from transforms.base.redaction import redacted
from transforms.labels.records import LabelRecord
from transforms.shards.finding import one_spelling
from transforms.statistics.measures import Measures
from transforms.storage.documents import Count, Document, parsed


class SeenShard(Document):
    """An input shard as a generation labelled it; url: in its one spelling, without secrets."""

    shard: str
    url: str
    bytes: Count
    version: str

    @classmethod
    def of(cls, record: LabelRecord) -> Self:
        """The shard that a label record is of."""
        shard = record.shard
        url = redacted(one_spelling(shard.url))
        return cls(shard=shard.name, url=url, bytes=shard.bytes, version=shard.version)


class FileSaid(Document):
    """A file of a generation, as its record vouches for it."""

    size: Count = Field(alias="bytes")
    digest: str


class Generation(Document):
    """generations/NNNN/generation.json, written after all else that is there.

    plan: the identity of the plan that it was drawn by. labelled_by: what its labels depend on
    (transforms/generations/schemas.py). first, shards: the number of its first output shard, and
    how many there are. written: the copies in them. files: by name, in its folder. form: the
    version of the file's own form.
    """

    form: Literal[1] = 1
    number: Count
    plan: str
    labelled_by: dict[str, Any]
    first: Count
    shards: Count
    written: Count
    inputs: tuple[SeenShard, ...]
    files: dict[str, FileSaid] = Field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The input shards that it is of."""
        return frozenset(entry.shard for entry in self.inputs)

    @property
    def following(self) -> int:
        """The number of the first output shard after its own."""
        return self.first + self.shards

    def to_json(self) -> bytes:
        """JSON for people."""
        return f"{json.dumps(self.to_dict(), indent=1, ensure_ascii=False)}\n".encode()


class GenerationEntry(Document):
    """What a manifest says of a generation: record is the digest of its record.

    input_shards, samples: what it was drawn from, rejects among them; kept and written, copies,
    in so many shards; measures are of these alone, as those of a whole manifest are of all.
    """

    number: Count
    plan: str
    record: str
    input_shards: Count
    samples: Count
    kept: Count
    written: Count
    shards: Count
    measures: Measures
    as_labelled: Measures | None = None


def generation_from(content: bytes) -> Generation:
    """The record in the JSON `content`; ValueError where it is none."""
    return parsed(content, _FORM)


_FORM = TypeAdapter(Generation)
