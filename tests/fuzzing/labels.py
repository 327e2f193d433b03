"""Label tables, read back under a record that vouches for them: rows, or a sentence."""

import io
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzzing.artefacts import STORAGE, artefacts, put
from transforms.base.errors import FairshardError
from transforms.labels.records import LabelRecord, label_record_from
from transforms.labels.tables import digest, label_batches, parquet_bytes, read_labels
from transforms.storage import paths

_COLUMNS = ["key", "offset", "size", "utility", "s.gender.woman"]


def seeds() -> list[bytes]:
    """A label table in several encodings, and tables of other columns."""
    table = pq.read_table(io.BytesIO(artefacts()[_only("labels/")]))
    plain = io.BytesIO()
    pq.write_table(table, plain, compression="none", use_dictionary=False)
    others = (table.drop_columns(["key"]), pa.table({"key": [1.0] * 60}), table.slice(0, 0))
    return [parquet_bytes(table), plain.getvalue(), *map(parquet_bytes, others), b"PAR1PAR1"]


def check(content: bytes) -> None:
    """Read `content` as the label table of 60 samples, whole and by parts."""
    record = replace(_record(), samples=60, table_digest=digest(content))
    put(paths.labels(record.shard.name), content)
    try:
        table = read_labels(STORAGE, record, _COLUMNS)
        parts = list(label_batches(STORAGE, record, _COLUMNS))
    except FairshardError:
        return
    assert table.num_rows == 60 == sum(part.num_rows for part in parts)
    assert table.column_names == _COLUMNS


def _record() -> LabelRecord:
    return label_record_from(artefacts()[_only("done/labels/")])


def _only(folder: str) -> str:
    """The one artefact in a folder: the corpus is a shard."""
    (name,) = (name for name in artefacts() if name.startswith(folder))
    return name
