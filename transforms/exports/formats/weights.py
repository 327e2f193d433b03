"""Weights: a Parquet file per input shard, a row a sample, with q and copies."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.base.redaction import redacted
from transforms.base.release import release
from transforms.config.exporters import EXPORTERS
from transforms.config.schema import Schema
from transforms.exports.exported import Exported
from transforms.exports.outcome import ExportOutcome
from transforms.exports.parts import Group, by_groups, made_from
from transforms.exports.target import Target
from transforms.labels.records import LabelRecord
from transforms.shards.naming import stem_of
from transforms.storage import paths

_SHARD = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class WeightsExport:
    """Writes the label rows of each input shard, with what the plan makes of them."""

    name: str = "weights"
    about: str = "Parquet, a file per input shard: each sample's place, labels, q and copies"
    needs_shards: bool = False
    place: str = paths.export("weights")

    def export(self, exported: Exported, target: Target) -> ExportOutcome:
        """Write the files of the shards that are not written yet."""
        records = exported.records
        names = {
            record.shard.name: name
            for record, name in zip(records, file_names(records), strict=True)
        }
        files = {
            names[record.shard.name]: made_from(exported.planned(record).plan.identity, [record])
            for record in records
        }
        missing = target.begin(files)

        def write(group: Group) -> None:
            for record in group:
                name = names[record.shard.name]
                if name in missing:
                    target.write(name, _parquet(record, exported), files[name])

        by_groups(write, [(record,) for record in records], target)
        target.settle(files)
        return ExportOutcome(
            {"samples": sum(record.samples for record in records)},
            (
                "a row a sample: `copies` is how often resampling writes it, `q` the copies to "
                "expect; fairshard.loaders keeps and repeats samples by them as shards are read",
            ),
        )


def file_names(records: Sequence[LabelRecord]) -> Iterator[str]:
    """The name of each shard's file: its stem, or its whole name where the stem is another's too.

    None begins with an underscore: readers of folders pass such files over.
    """
    shards = [record.shard.name.lstrip("_") for record in records]
    stems = Counter(map(stem_of, shards))
    for shard in shards:
        stem = stem_of(shard)
        yield paths.export_table(stem if stems[stem] == 1 else shard)


def _parquet(record: LabelRecord, exported: Exported) -> bytes:
    tables = (_with_shard(rows, record, exported.schema) for rows in exported.rows(record))
    first, sink, of = next(tables), io.BytesIO(), exported.planned(record)
    about = {
        "fairshard": release(),
        "plan": of.plan.identity,
        "seed": str(of.config.seed),
        "shard": record.shard.name,
        "url": redacted(record.shard.url),
        "unlabelled": str(record.rejects + sum(record.ignored.values())),
    }
    if of.generation:
        about["generation"] = str(of.generation)
    with pq.ParquetWriter(sink, first.schema.with_metadata(about), compression="zstd") as writer:
        for table in (first, *tables):
            writer.write_table(table)
    return sink.getvalue()


def _with_shard(rows: pa.Table, record: LabelRecord, schema: Schema) -> pa.Table:
    """The rows with their shard's name first, then where they are, flags, and all else."""
    flags = [field.name for field in schema.as_read if pa.types.is_boolean(field.type)]
    place = ["key", "offset", "size"]
    rest = [name for name in rows.column_names if name not in {*place, *flags}]
    name = pa.DictionaryArray.from_arrays(
        pa.array([0] * rows.num_rows, pa.int32()), [record.shard.name]
    )
    return rows.select([*place, *flags, *rest]).add_column(
        0, pa.field("shard", _SHARD, nullable=False), name
    )


EXPORTERS.register(WeightsExport())
