"""How far tables matched the samples that they were joined to, kept on file with the labels."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import TypeAdapter

from transforms.base.counts import counted, named
from transforms.labels.records import LabelRecord
from transforms.storage import paths
from transforms.storage.documents import Document, found
from transforms.storage.files import Storage
from transforms.tables.counts import TableCounts


class Matches(Document):
    """done/joined/SETTINGS.json: what the join counted that made labels of these settings.

    form: the version of the file's own form.
    """

    form: Literal[1] = 1
    tables: tuple[TableCounts, ...]


_FORM = TypeAdapter(Matches)
_MOST = 3
_LONGEST = 100


def keep_matches(counts: Iterable[TableCounts], settings: str, storage: Storage) -> None:
    """Put on file what a join counted, of labels of these settings."""
    tables = [dataclasses.asdict(one) for one in counts]
    content = json.dumps({"form": 1, "tables": tables}, indent=1, ensure_ascii=False)
    storage.settle(paths.joined(settings), f"{content}\n".encode())


def matches_of(records: Iterable[LabelRecord], storage: Storage) -> tuple[TableCounts, ...]:
    """What the join counted that gave the labels of `records`; nothing where none was joined."""
    settings = next((record.settings for record in records), "")
    lost = "how far tables match the samples is not known until labels are made again"
    kept = found(storage, paths.joined(settings), _FORM, lost) if settings else None
    return kept.tables if kept else ()


def in_words(counts: TableCounts) -> str:
    """How far a table matched, in a sentence, with examples of what matched nothing."""
    samples, with_row = counts.with_row + counts.without_row, counts.with_row
    said = [
        f"{with_row:,} of {counted(samples, 'sample')} {named(with_row, 'has', 'have')} a row"
        f"{_examples(counts.of_samples, 'none for ')}",
        f"{counts.unmatched_rows:,} of {counted(counts.rows, 'row')} "
        f"{named(counts.unmatched_rows, 'matches', 'match')} no sample"
        f"{_examples(counts.of_rows, 'as ')}",
    ]
    return f"the table {counts.table}: {'; '.join(said)}"


def _examples(keys: Sequence[str], before: str) -> str:
    shown = ", ".join(repr(key[:_LONGEST]) for key in keys[:_MOST])
    return f" ({before}{shown})" if keys else ""
