"""Label tables of as many rows as one likes, without a picture behind them.

The tables and their completion records are real (the schema, the Parquet writer and the records of
a labelled corpus), so that planning reads them as it reads any others. Attributes and labels lean
on each other; labels are Zipf-like. Only `distinct` tables are drawn and written: the rest are
hard links to them, each with a record of its own. A billion rows thus cost a few seconds and
megabytes to make, are decoded and counted row by row all the same, but are read from the page
cache rather than from a disk.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.config.schema import Schema, schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord, label_record_from
from transforms.labels.tables import digest, parquet_bytes
from transforms.recognition.settings import settings_digest
from transforms.shards.finding import Shard
from transforms.stages.registrations import load_registrations
from transforms.storage import paths
from transforms.storage.documents import to_json
from transforms.storage.files import Storage, output_storage

UTILITIES = ("one", "mixed")
_SAMPLE_BYTES = 10_240
_LABELS_EACH = 3.0
_LEAN = 0.5


@dataclass(frozen=True)
class Corpus:
    """What to make: rows, shards, m attributes, c labels, and a utility of `one` or `mixed`."""

    rows: int
    shards: int
    attributes: int = 2
    labels: int = 10
    utility: str = "one"
    distinct: int = 16


def config_of(corpus: Corpus, folder: Path) -> Config:
    """The configuration that the tables in `folder` would have been labelled with."""
    people = {f"a{k}": {"target": 0.5} for k in range(corpus.attributes)}
    load_registrations()
    return Config.model_validate(
        {
            "input": {"shards": str(folder / "in" / "*.tar")},
            "attributes": {"people": {"field": "people", "names": people}},
            "labels": {
                "things": {"field": "things", "names": [f"l{r}" for r in range(corpus.labels)]}
            },
            "utility": {"field": "quality"} if corpus.utility == "mixed" else {},
            "balance": {"eta": 0.5, "max_representation_bias": 0.01, "max_association_bias": 0.04},
            "output": {"url": str(folder)},
        }
    )


def write_tables(corpus: Corpus, folder: Path) -> Config:
    """Write the label tables and their records; the configuration that they belong to."""
    config = config_of(corpus, folder)
    storage, settings = output_storage(config.output), settings_digest(config)
    least, more = divmod(corpus.rows, corpus.shards)
    originals: dict[tuple[int, int], LabelRecord] = {}
    for number in range(corpus.shards):
        size = least + (number < more)
        kind = (number % corpus.distinct, size)
        name = f"{number:06d}"
        shard = Shard(name, f"{folder}/in/{name}.tar", size * _SAMPLE_BYTES, "0")
        if kind in originals:
            original = originals[kind]
            os.link(_table_path(folder, original.shard.name), _table_path(folder, name))
        else:
            content = parquet_bytes(draw(corpus, schema_of(config), size, seed=kind[0]))
            storage.publish(paths.labels(name), content)
            original = LabelRecord(
                shard, settings, size, 0, {}, len(content), digest(content), {"total": 0.0}
            )
            originals[kind] = original
        record = to_json(replace(original, shard=shard))
        _record_path(folder, name).parent.mkdir(parents=True, exist_ok=True)
        _record_path(folder, name).write_bytes(record)
    return config


def read_records(storage: Storage) -> list[LabelRecord]:
    """The records of all label tables in an output folder, sorted by name."""
    return [
        label_record_from(storage.read(f"done/labels/{name}"))
        for name in storage.names("done/labels")
    ]


def draw(corpus: Corpus, schema: Schema, rows: int, seed: int) -> pa.Table:
    """One label table: each label's share differs between the values of each attribute."""
    same, rng = np.random.default_rng(0), np.random.default_rng((1, seed))
    m, c = corpus.attributes, corpus.labels
    share = np.minimum(np.arange(1, c + 1) ** -0.7, 0.5)
    share = np.minimum(share * _LABELS_EACH / share.sum(), 0.5)
    lean = same.normal(0, _LEAN, (c, m))
    attributes = rng.random((m, rows), np.float32) < same.uniform(0.2, 0.6, (m, 1))
    flags = list(attributes)
    for r in range(c):
        odds = np.full(rows, np.log(share[r] / (1 - share[r])), np.float32)
        for k in range(m):
            odds += np.float32(lean[r, k]) * attributes[k]
        flags.append(rng.random(rows, np.float32) < 1 / (1 + np.exp(-odds)))
    number = pa.array(np.arange(rows, dtype=np.int64))
    columns = {
        "key": pc.utf8_lpad(number.cast(pa.string()), 9, "0"),
        "offset": pc.multiply(number, _SAMPLE_BYTES),
        "size": pa.array(np.full(rows, _SAMPLE_BYTES)),
        "utility": pa.array(
            rng.gamma(4, 0.25, rows).round(3) if corpus.utility == "mixed" else np.ones(rows)
        ),
        **dict(zip(schema.pattern_columns, map(pa.array, flags), strict=True)),
    }
    return pa.table([columns[name] for name in schema.arrow.names], schema=schema.arrow)


def _table_path(folder: Path, name: str) -> Path:
    return folder / paths.labels(name)


def _record_path(folder: Path, name: str) -> Path:
    return folder / paths.label_record(name)
