"""What became of what was asked for, in a word or two."""

from typing import Literal

Status = Literal["met", "within sampling error", "missed", "not asked", "no data"]
