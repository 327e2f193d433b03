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
from transforms.exports.outcome import Outcome
from transforms.exports.target import MadeFrom, Target
from transforms.labels.records import LabelRecord
from transforms.shards.naming import stem_of
from transforms.storage import paths

_FORM = "1"
_SHARD = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Weights:
    """Writes the label rows of each input shard, with what the plan makes of them."""

    name: str = "weights"
    about: str = "Parquet, a file per input shard: each sample's place, labels, q and copies"
    needs_shards: bool = False
    place: str = paths.export("weights")

    def export(self, exported: Exported, target: Target) -> Outcome:
        """Write the files of the shards that are not written yet."""
        named = dict(zip(file_names(exported.records), exported.records, strict=True))
        files = {name: _made_from(record, exported) for name, record in named.items()}
        missing = target.begin(files)
        for done, (name, record) in enumerate(named.items(), start=1):
            if name in missing:
                target.publish(name, _parquet(record, exported), files[name])
            target.step(done, len(named))
        target.settle(files)
        return Outcome({"samples": sum(record.samples for record in exported.records)})


def file_names(records: Sequence[LabelRecord]) -> Iterator[str]:
    """The name of each shard's file: its stem, or its whole name where the stem is another's too.

    None begins with an underscore: readers of folders pass such files over.
    """
    shards = [record.shard.name.lstrip("_") for record in records]
    stems = Counter(map(stem_of, shards))
    for shard in shards:
        stem = stem_of(shard)
        yield f"{stem if stems[stem] == 1 else shard}.parquet"


def _made_from(record: LabelRecord, exported: Exported) -> MadeFrom:
    return {
        "the plan": exported.plan.identity,
        "the labels": record.table_digest,
        "the form of the file": _FORM,
    }


def _parquet(record: LabelRecord, exported: Exported) -> bytes:
    tables = (_with_shard(rows, record, exported.schema) for rows in exported.rows(record))
    first, sink = next(tables), io.BytesIO()
    about = {
        "fairshard": release(),
        "plan": exported.plan.identity,
        "seed": str(exported.config.seed),
        "shard": record.shard.name,
        "url": redacted(record.shard.url),
        "unlabelled": str(record.rejects + sum(record.ignored.values())),
    }
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


EXPORTERS.register(Weights())
