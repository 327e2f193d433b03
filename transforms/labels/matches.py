"""How far tables matched the samples that they were joined to, kept on file with the labels."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Literal

from pydantic import TypeAdapter

from transforms.storage import paths
from transforms.storage.documents import Document, found
from transforms.storage.files import Storage
from transforms.tables.counts import TableCounts, merged_counts


class Matches(Document):
    """done/joined/SETTINGS.json: what the join counted that made labels of these settings.

    form: the version of the file's own form.
    """

    form: Literal[1] = 1
    tables: tuple[TableCounts, ...]


_FORM = TypeAdapter(Matches)


def keep_matches(counts: Iterable[TableCounts], settings: str, storage: Storage) -> None:
    """Put on file what a join counted, of labels of these settings."""
    tables = [dataclasses.asdict(one) for one in merged_counts(counts)]
    content = json.dumps({"form": 1, "tables": tables}, indent=1, ensure_ascii=False)
    storage.settle(paths.joined(settings), f"{content}\n".encode())


def matches_of(settings: str, storage: Storage) -> tuple[TableCounts, ...]:
    """What the join counted that gave labels of these settings; nothing where none was joined."""
    lost = "how far tables match the samples is not known until labels are made again"
    kept = found(storage, paths.joined(settings), _FORM, lost)
    return kept.tables if kept else ()
