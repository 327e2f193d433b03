"""What the patterns of an input matched that is not read: counted, by reason."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

HIDDEN = "hidden"
OTHER_NAME = "not named as a shard"
FOLDER = "a folder"
NO_FILE = "not a file"
TWICE = "named twice"
OF_OUTPUT = "in the output's folders"

_SHOWN = 3
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class LeftOut:
    """So many names that were matched and are not read, why, and the first few of them."""

    reason: str
    count: int
    names: tuple[str, ...]


def left_out(found: Mapping[str, str]) -> tuple[LeftOut, ...]:
    """The paths of `found`, of each the reason why it is left out, counted by reason."""
    by_reason: dict[str, list[str]] = {}
    for path in sorted(found):
        by_reason.setdefault(found[path], []).append(path)
    return tuple(
        LeftOut(reason, len(paths), tuple(map(_shown, paths[:_SHOWN])))
        for reason, paths in sorted(by_reason.items())
    )


def in_words(found: Iterable[LeftOut]) -> str:
    """A line on what was left out; "" where nothing was."""
    parts = [
        f"{entry.count:,} {entry.reason} ({', '.join(entry.names)}"
        f"{', ...' * (entry.count > len(entry.names))})"
        for entry in found
    ]
    return f"left out of the input: {'; '.join(parts)}" if parts else ""


def as_json(found: Iterable[LeftOut]) -> list[dict[str, Any]]:
    """What was left out, for programs."""
    return [dataclasses.asdict(entry) for entry in found]


def _shown(path: str) -> str:
    """The last part of a path, without control characters and what is no UTF-8."""
    name = path.rstrip("/").rsplit("/", 1)[-1]
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."
