"""How far tables matched the samples that they were joined to, as summaries show it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from jobs.session.console import say
from transforms.labels.matches import in_words, matches_of
from transforms.labels.records import LabelRecord
from transforms.storage.files import Storage
from transforms.tables.counts import doubts


def shown_matches(records: Sequence[LabelRecord], storage: Storage) -> dict[str, Any]:
    """`tables`: what was counted of each that is joined to these labels; `doubts` about them.

    Nothing where none is joined.
    """
    found = matches_of(records, storage)
    if not found:
        return {}
    return {
        "tables": [{**dataclasses.asdict(one), "in_words": in_words(one)} for one in found],
        "doubts": list(doubts(found)),
    }


def say_matches(found: Mapping[str, Sequence[Any]], console: Console) -> None:
    """Print what `shown_matches` gave, a line a table, and a line a doubt."""
    for table in found.get("tables", ()):
        say(console, table["in_words"])
    for doubt in found.get("doubts", ()):
        say(console, f"warning: {doubt}")
