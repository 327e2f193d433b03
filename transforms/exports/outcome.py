"""What an export ends with, for people and for programs."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ExportOutcome:
    """What was exported.

    counts: how many of what, in the order in which it is said: {"samples": 2002}. lines: what is to
    be known of it, and how a reader uses it.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
