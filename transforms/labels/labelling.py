"""Labelling a shard: a row for every sample, a reject for every sample that cannot have one.

Where tables are joined to labels, what is written here is what was recognised, their first layer.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import IO

import pyarrow as pa

from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.findings import Finder, Findings, merged_findings
from transforms.labels.layers import LABELS, RECOGNISED, Layer
from transforms.labels.read_ahead import Clock
from transforms.labels.records import LabelRecord, finished
from transforms.labels.rows import LabelRows, Row, reject_table
from transforms.labels.sample_labeller import SampleLabeller
from transforms.labels.settings import joins_tables
from transforms.labels.tables import digest, parquet_bytes
from transforms.recognition import settings as recognition
from transforms.recognition.settings import members_of, metadata_fields
from transforms.shards.entries import read_entries
from transforms.shards.finding import Shard
from transforms.shards.parts import Part, parts_of, read_by
from transforms.shards.samples import Ignored, Reject, Sample, open_tar
from transforms.shards.streams import compression_of
from transforms.shards.unchanged import require_unchanged
from transforms.storage.attempts import attempting
from transforms.storage.documents import to_json
from transforms.storage.files import Storage, output_storage

_STEPS = ("read", "decode", "model", "idle")


@dataclass(frozen=True)
class PartLabels:
    """The labels of a part of a shard: its tables, what else was found, seconds by step.

    device is what the model ran on, "" where there is no model. mixed: samples with members of none
    between their own.
    """

    index: int
    table: pa.Table
    rejects: pa.Table
    findings: Findings
    seconds: Mapping[str, float]
    device: str = ""
    mixed: int = 0


class Labeller:
    """Labels shards as a configuration says; built once per process, as it holds the model.

    What tables tell is not joined here.

    Batches are made of a shard's own samples in the shard's order, so on one kind of machine its
    labels are the same bytes whatever runs beside it. Raises FairshardError where the model cannot
    be had.
    """

    def __init__(self, config: Config) -> None:
        self.settings = recognition.settings_digest(config)
        self.schema = schema_of(config)
        self._config = config
        self._storage = output_storage(config.output)
        self._members = members_of(config)
        self._fields = metadata_fields(config)
        self._samples = SampleLabeller(config)
        self._layer = layer_of(config)

    def label(self, shard: Shard, storage: Storage) -> LabelRecord:
        """Label `shard`, part by part, and write its tables and record, as `write_labels` does."""
        parts = parts_of(shard, self._config.input)
        labelled = map(self.label_part, parts)
        return write_labels(shard, self.settings, labelled, storage, self._layer)

    def label_part(self, part: Part) -> PartLabels:
        """The labels of one part of a shard; while it lasts, the attempt is on file.

        Its seconds: `read` and `decode` are those of their threads, added up; `idle` is what the
        model waited for them. Raises FairshardError where the shard cannot be read, or the model
        fails on all that it is given, StaleError where the shard changed while it was read; all
        else that is wrong with a sample makes it a reject.
        """
        name = part.shard.name if part.count == 1 else f"{part.shard.name}.part{part.index}"
        with attempting("label", name, self._storage):
            labelled = self._labelled(part)
            require_unchanged(part.shard, self._config.input.storage_options)
            return labelled

    def _labelled(self, part: Part) -> PartLabels:
        started = time.perf_counter()
        clock = Clock()
        rows = LabelRows(self.schema)
        rejects: list[Reject] = []
        finder = Finder(part.shard.bytes)
        options = self._config.input.storage_options
        with (
            open_tar(part.shard.url, options, size=part.shard.bytes) as stream,
            closing(self._samples.outcomes(self._read(stream, part), clock)) as outcomes,
        ):
            finder.open(stream)
            for outcome in outcomes:
                if not isinstance(outcome, Row) and outcome.loss is not None:
                    finder.lose(outcome.loss, stream)
                match outcome:
                    case Row():
                        rows.add(outcome)
                    case Reject():
                        rejects.append(outcome)
                    case Ignored():
                        finder.ignore(outcome)
        seconds = {step: clock.seconds.get(step, 0.0) for step in _STEPS}
        seconds["total"] = time.perf_counter() - started
        return PartLabels(
            part.index,
            rows.table(),
            reject_table(rejects),
            finder.findings(),
            seconds,
            self._samples.device,
            rows.mixed,
        )

    def _read(self, stream: IO[bytes], part: Part) -> Iterator[Sample | Reject | Ignored]:
        """What a part holds, in its order."""
        span = read_by(part, compressed=bool(compression_of(stream)))
        source, fields = self._config.input, self._fields
        named = f"the {'table' if source.tables else 'shard'} {part.shard.url}"
        return read_entries(stream, source, self._members, span, named, fields)


def layer_of(config: Config) -> Layer:
    """The layer of label tables that is made of shards alone."""
    return RECOGNISED if joins_tables(config) else LABELS


def write_labels(
    shard: Shard,
    settings: str,
    parts: Iterable[PartLabels],
    storage: Storage,
    layer: Layer = LABELS,
) -> LabelRecord:
    """Write the rejects and the label table of all `parts` of `shard` and, last, the record."""
    ordered = sorted(parts, key=lambda part: part.index)
    found = merged_findings(part.findings for part in ordered)
    record = LabelRecord(
        shard=shard,
        settings=settings,
        samples=0,
        rejects=0,
        ignored=found.ignored,
        table_bytes=0,
        table_digest="",
        seconds={
            step: sum(part.seconds.get(step, 0.0) for part in ordered)
            for step in (*_STEPS, "total")
        },
        device=ordered[0].device,
        examples=found.examples,
        damage=found.damage,
        lost_bytes=found.lost_bytes,
        mixed=sum(part.mixed for part in ordered),
        compression=found.compression,
    )
    table = pa.concat_tables(part.table for part in ordered).combine_chunks()
    rejects = pa.concat_tables(part.rejects for part in ordered).combine_chunks()
    return publish_labels(record, table, rejects, storage, layer)


def publish_labels(
    record: LabelRecord, table: pa.Table, rejects: pa.Table, storage: Storage, layer: Layer
) -> LabelRecord:
    """Write rejects and label table of a shard and, last, the `record` that vouches for them."""
    name, started = record.shard.name, time.perf_counter()
    if finished(record.shard, record.settings, storage, layer) is None:
        storage.delete(layer.record(name))
    content, rejected = parquet_bytes(table), parquet_bytes(rejects)
    storage.publish(layer.rejects(name), rejected)
    storage.publish(layer.table(name), content)
    took = time.perf_counter() - started
    vouching = replace(
        record,
        samples=table.num_rows,
        rejects=rejects.num_rows,
        table_bytes=len(content),
        table_digest=digest(content),
        rejects_bytes=len(rejected),
        rejects_digest=digest(rejected),
        table_version=storage.version(layer.table(name)),
        rejects_version=storage.version(layer.rejects(name)),
        seconds={
            **record.seconds,
            "write": record.seconds.get("write", 0.0) + took,
            "total": record.seconds.get("total", 0.0) + took,
        },
    )
    storage.publish(layer.record(name), to_json(vouching))
    return vouching
