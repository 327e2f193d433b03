"""Completion records: written after what they vouch for; readers trust them alone."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter

from transforms.documents import parsed
from transforms.file_kinds import Compression
from transforms.redaction import redacted_values
from transforms.shards import Shard

_MOST = 2**63


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """An input shard is labelled.

    settings: digest of the configuration that the labels depend on. samples: rows of the label
    table. rejects: rows of the reject table. ignored: members that belong to no sample, by
    reason. table_bytes, table_digest: size and xxh3-128 of the label table. seconds: by step.
    device: what the model ran on, "cpu" or "cuda"; "" where there is no model.

    examples: names of a few ignored members, by reason. damage: why the shard cannot be read to its
    end, "" where it can. lost_bytes: about how many of the stored bytes are unread for it. mixed:
    samples with ignored members between their own. compression: None in records of old.

    rejects_bytes, rejects_digest: as those of the label table, None and "" in old records.
    table_version, rejects_version: what the store calls the files' versions, "" where it has none.
    """

    shard: Shard
    settings: str
    samples: int
    rejects: int
    ignored: Mapping[str, int]
    table_bytes: int
    table_digest: str
    seconds: Mapping[str, float]
    device: str = ""
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    damage: str = ""
    lost_bytes: int = 0
    mixed: int = 0
    compression: Compression | None = None
    rejects_bytes: int | None = None
    rejects_digest: str = ""
    table_version: str = ""
    rejects_version: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an output shard took of an input shard: copies, and how many are a sample's first."""

    shard: str
    samples: int
    kept: int


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """An output shard is written.

    identity: digest of the task (plan and origins). samples: copies in it. bytes, sha256: of the
    whole tar. origins: in the order in which they were written. seconds: reading and writing.
    version: what the store calls the tar's version, "" where it has none.
    """

    number: int
    identity: str
    samples: int
    bytes: int
    sha256: str
    origins: tuple[Taken, ...]
    seconds: Mapping[str, float]
    version: str = ""


R = TypeVar("R", LabelRecord, OutputRecord)


def to_json(record: Any) -> bytes:
    """A record (a dataclass) as readable JSON, without the secrets that a URL may carry."""
    values = redacted_values(dataclasses.asdict(record))
    return (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode()


def label_record_from(content: bytes) -> LabelRecord:
    """The label record in `content`; ValueError where it is none."""
    return _plausible(parsed(content, _LABEL_RECORD))


def output_record_from(content: bytes) -> OutputRecord:
    """The output record in `content`; ValueError where it is none."""
    return _plausible(parsed(content, _OUTPUT_RECORD))


def _plausible(record: R) -> R:
    """`record`; ValueError where one of its numbers is none that can be counted or measured."""
    values: list[Any] = [dataclasses.asdict(record)]
    while values:
        match values.pop():
            case dict() as inner:
                values += inner.values()
            case list() | tuple() as inner:
                values += inner
            case int() | float() as number if not 0 <= number < _MOST:
                raise ValueError(f"{number} is no count or time")
    return record


_LABEL_RECORD = TypeAdapter(LabelRecord)
_OUTPUT_RECORD = TypeAdapter(OutputRecord)
