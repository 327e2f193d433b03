"""The most frequent errors of rejected samples, as summaries show them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from jobs.saying import say
from transforms.rejects import MOST, RejectKind, frequent_rejects
from transforms.storage import Storage


def shown_rejects(shards: Sequence[str], storage: Storage) -> list[dict[str, Any]]:
    """The most frequent errors in the named input shards."""
    return [dataclasses.asdict(kind) for kind in frequent_rejects(shards, storage)[:MOST]]


def say_rejects(rejects: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print errors, a line each: how many samples, where, why, and an example."""
    for kind in rejects:
        say(console, f"rejected: {RejectKind(**kind)}")
