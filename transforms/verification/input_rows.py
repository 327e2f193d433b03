"""The rows of an input table, read again: each one is labelled or rejected."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.shards.streams import open_tar
from transforms.storage import paths
from transforms.verification.checks import Check
from transforms.verification.evidence import (
    Evidence,
    LabelRecordEvidence,
)
from transforms.verification.labels import read_table

_NAMED = ("key", "uid")
_DIGITS = 9


def check_rows(evidence: Evidence, record: LabelRecordEvidence, check: Check) -> None:
    """Compare the rows of a table with those that are labelled, by number and key, and rejected."""
    shard = record.shard
    keys, numbers, _ = read_table(evidence.storage, paths.labels(shard.name)).places()
    _, errors = read_table(evidence.storage, paths.rejects(shard.name)).rejected()
    damaged = [error for error in errors if "cannot be read: " in error or "can be read: " in error]
    if damaged:
        check.skip(f"the rows of {shard.url}, which was taken for damaged")
        return
    try:
        given = _keys(shard.url, evidence)
    except (FairshardError, pa.ArrowException, OSError) as error:
        check.skip(f"an input table cannot be read any more: {error}")
        return
    check.checked += len(given)
    for key, number in zip(keys, numbers, strict=True):
        if number >= len(given) or given[number] != key:
            check.differ(
                f"the labels of {shard.name} have {key!r} in row {number:,}, where the table has "
                f"{repr(given[number]) if number < len(given) else 'no row'}"
            )
    if len({*numbers}) != len(numbers) or len(numbers) + len(errors) != len(given):
        check.differ(
            f"{shard.name} has {counted(len(given), 'row')}, and {counted(len({*numbers}), 'row')} "
            f"of it are labelled and {len(errors):,} rejected"
        )


def _keys(url: str, evidence: Evidence) -> Sequence[str]:
    """The key of each row: of the column of keys or, where there is none, its number."""
    with open_tar(url, evidence.input_options) as stream:
        file = pq.ParquetFile(stream)
        names = file.schema_arrow.names
        column = evidence.plan.config.input.key_column
        column = column or next((name for name in _NAMED if name in names), None)
        if column is None:
            return [f"{number:0{_DIGITS}d}" for number in range(file.metadata.num_rows)]
        return [_text(value) for value in file.read([column]).column(0).to_pylist()]


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
