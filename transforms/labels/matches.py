"""How far tables matched the samples that they were joined to, kept on file with the labels."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import TypeAdapter

from transforms.base.counts import counted, named
from transforms.labels.records import LabelRecord
from transforms.labels.tables import digest_of
from transforms.storage import paths
from transforms.storage.documents import Document, found
from transforms.storage.files import Storage
from transforms.tables.accidents import shown
from transforms.tables.counts import TableCounts
from transforms.tables.keys import shown_key


class TableMatches(Document):
    """done/joined/SETTINGS-SHARDS.json: what the join counted that made labels of these settings.

    digests: of the tables in hash buckets that were joined. form: the version of the file's own
    form.
    """

    form: Literal[1] = 1
    tables: tuple[TableCounts, ...]
    digests: tuple[str, ...] = ()


_FORM = TypeAdapter(TableMatches)
_MOST = 3


def keep_matches(
    counts: Iterable[TableCounts],
    digests: Iterable[str],
    records: Iterable[LabelRecord],
    settings: str,
    storage: Storage,
) -> None:
    """Put on file what a join counted, and of which tables, of labels of these settings."""
    tables = [_readable(one) for one in counts]
    kept = {"form": 1, "tables": tables, "digests": [*digests]}
    content = json.dumps(kept, indent=1, ensure_ascii=False)
    storage.settle(_name(settings, records), f"{content}\n".encode())


def matches_of(records: Sequence[LabelRecord], storage: Storage) -> tuple[TableCounts, ...]:
    """What the join counted that gave the labels of `records`; nothing where none was joined."""
    kept = _kept(_name(records[0].settings, records), storage) if records else None
    return kept.tables if kept else ()


def tables_used(settings: str, storage: Storage) -> set[str]:
    """The digests of the tables that were joined to give labels of these settings."""
    names = (f"{paths.JOINED}/{name}" for name in storage.names(paths.JOINED))
    of_settings = (name for name in names if name.startswith(f"{paths.JOINED}/{settings}-"))
    found = (_kept(name, storage) for name in of_settings)
    return {digest for kept in found if kept for digest in kept.digests}


def _name(settings: str, records: Iterable[LabelRecord]) -> str:
    return paths.joined(settings, digest_of(sorted(record.shard.name for record in records))[:16])


def _kept(name: str, storage: Storage) -> TableMatches | None:
    lost = "how far tables match the samples is not known until labels are made again"
    return found(storage, name, _FORM, lost)


def _readable(counts: TableCounts) -> dict[str, Any]:
    """As JSON, its examples as people read keys."""
    examples = {
        name: [shown_key(key) for key in getattr(counts, name)]
        for name in ("of_samples", "of_rows")
    }
    return {**dataclasses.asdict(counts), **examples}


def in_words(counts: TableCounts) -> str:
    """How far a table matched, in a sentence, with examples of what matched nothing."""
    with_row, unmatched = counts.with_row, counts.unmatched_rows
    of_samples = _beside(counts.of_samples, "none for", counts.keyless, "have no key")
    of_rows = _beside(counts.of_rows, "as", counts.keyless_rows, "more have no key")
    return (
        f"the table {counts.table}: {with_row:,} of {counted(counts.samples, 'sample')} "
        f"{named(with_row, 'has', 'have')} a row{of_samples}; {unmatched:,} of "
        f"{counted(counts.rows, 'row')} {named(unmatched, 'matches', 'match')} no sample{of_rows}"
    )


def _beside(keys: Sequence[str], before: str, keyless: int, told: str) -> str:
    found = [f"{before} {shown(keys[:_MOST])}"] if keys else []
    found += [f"{keyless:,} {told}"] if keyless else []
    return f" ({', '.join(found)})" if found else ""
