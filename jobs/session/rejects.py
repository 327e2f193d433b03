"""What was rejected, lost and passed over, as summaries show it."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console

from jobs.session.console import say
from transforms.labels.losses import IgnoredKind, LossKind, all_ignored, losses
from transforms.labels.records import LabelRecord
from transforms.labels.rejects import MOST, RejectKind, frequent_rejects
from transforms.storage.files import Storage


def shown_rejects(shards: Sequence[str], storage: Storage) -> list[dict[str, Any]]:
    """The most frequent errors in the named input shards."""
    return [dataclasses.asdict(kind) for kind in frequent_rejects(shards, storage)[:MOST]]


def say_rejects(rejects: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print errors, a line each: how many samples, where, why, and an example."""
    for kind in rejects:
        say(console, f"rejected: {RejectKind(**kind)}")


def shown_losses(records: Iterable[LabelRecord]) -> dict[str, list[dict[str, Any]]]:
    """`lost`: shards that were not read to their end, or give nothing; `ignored` members."""
    records = list(records)
    return {
        "lost": [dataclasses.asdict(kind) for kind in losses(records)],
        "ignored": [dataclasses.asdict(kind) for kind in all_ignored(records)],
    }


def say_losses(found: Mapping[str, Any], console: Console) -> None:
    """Print what `shown_losses` gave, a line a reason."""
    for kind in found["lost"][:MOST]:
        say(console, f"lost: {LossKind(**kind)}, about {kind['lost_bytes']:,} bytes")
    for kind in found["ignored"][:MOST]:
        say(console, f"ignored: {IgnoredKind(**kind)}")
