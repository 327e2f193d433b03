"""Completion records: written after what they vouch for; readers trust them alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import TypeAdapter

from transforms.base.redaction import redacted
from transforms.labels.layers import LABELS, Layer
from transforms.shards.file_kinds import Compression
from transforms.shards.finding import Shard
from transforms.storage.documents import parsed, plausible
from transforms.storage.files import Storage
from transforms.storage.inventory import Vouched


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
    form: the version of the record's own form.
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
    form: Literal[1] = 1


def label_record_from(content: bytes) -> LabelRecord:
    """The label record in `content`; ValueError where it is none."""
    return plausible(parsed(content, _LABEL_RECORD))


def label_files(record: LabelRecord, layer: Layer = LABELS) -> tuple[Vouched, Vouched]:
    """The label table and the reject table that a record of a layer vouches for."""
    name = record.shard.name
    return (
        Vouched(layer.table(name), record.table_bytes, record.table_version, record.table_digest),
        Vouched(
            layer.rejects(name),
            record.rejects_bytes,
            record.rejects_version,
            record.rejects_digest,
        ),
    )


_LABEL_RECORD = TypeAdapter(LabelRecord)


def finished(
    shard: Shard, settings: str, storage: Storage, layer: Layer = LABELS
) -> LabelRecord | None:
    """The record that this version of `shard` is labelled with `settings`; None if it is not.

    Its shard is the one given: the record on file holds no secret that the URL may carry.
    """
    content = storage.find(layer.record(shard.name))
    if content is None:
        return None
    try:
        record = label_record_from(content)
    except (ValueError, TypeError, KeyError):
        return None
    on_file, given = (replace(each, url=redacted(each.url)) for each in (record.shard, shard))
    if (on_file, record.settings) != (given, settings):
        return None
    return replace(record, shard=shard)
