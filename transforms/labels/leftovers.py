"""What joining tables has left that no labels need: between its steps, and of tables of before."""

import re
from collections.abc import Iterator

from transforms.labels.matches import tables_used
from transforms.labels.records import LabelRecord, label_record_from
from transforms.storage import paths
from transforms.storage.concurrent import records_in
from transforms.storage.files import Storage

_OURS = re.compile(r"([0-9a-f]{16})(-.+)?\.(json|parquet)")


def left_of_joins(storage: Storage) -> list[str]:
    """The files between the steps of joins, all of them: to be asked where no run is active."""
    return [f"{paths.JOINS}/{name}" for name in storage.names(paths.JOINS) if _OURS.fullmatch(name)]


def unused_tables(storage: Storage) -> list[str]:
    """The files of tables in hash buckets that the labels on file were not joined from.

    None where there are no labels: a run that was killed goes on from its tables.
    """
    there = all_tables(storage)
    used = {digest for settings in _settings(storage) for digest in tables_used(settings, storage)}
    return [name for name in there if used and _digest(name) not in used]


def all_tables(storage: Storage) -> list[str]:
    """The files of tables in hash buckets."""
    names = storage.names(paths.TABLES)
    return [f"{paths.TABLES}/{name}" for name in names if _OURS.fullmatch(name)]


def _digest(name: str) -> str:
    found = _OURS.fullmatch(name.rpartition("/")[2])
    return found[1] if found else ""


def _settings(storage: Storage) -> Iterator[str]:
    """The settings that there are labels of, each once."""
    records = records_in(storage, paths.LABEL_RECORDS, label_record_from)
    found = (record.settings for record in records if isinstance(record, LabelRecord))
    yield from dict.fromkeys(found)
