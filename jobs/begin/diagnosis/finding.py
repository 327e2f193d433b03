"""What a check found."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """A check's result: what was found, and the command or the change that mends it ("" if ok).

    missing: a run would fail; warning: it would be slow, or may fail.
    """

    check: str
    status: Literal["ok", "warning", "missing"]
    found: str
    mend: str = ""


def ok(check: str, found: str) -> Finding:
    """Nothing is wrong."""
    return Finding(check, "ok", found)


def warning(check: str, found: str, mend: str) -> Finding:
    """A run would be slow, or may fail."""
    return Finding(check, "warning", found, mend)


def missing(check: str, found: str, mend: str) -> Finding:
    """A run would fail."""
    return Finding(check, "missing", found, mend)
