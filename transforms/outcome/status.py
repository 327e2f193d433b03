"""What became of what was asked for, in a word or two."""

from typing import Literal

STANDARD_ERRORS = 4
SAMPLING_ERROR = f"{STANDARD_ERRORS} standard errors"
Status = Literal["met", "within sampling error", "missed", "not asked", "no data"]


def in_words(status: Status, to: float | None = None, by: float | None = None) -> str:
    """An outcome, with what it means.

    `to`: what a plan's bounds are met to; by: how much a bound is missed by, of what is drawn.
    """
    if status == "within sampling error":
        return f"{status} ({SAMPLING_ERROR})"
    if status == "missed" and by is not None:
        return f"{status} by {by:.2g}"
    return f"{status} (to {to:g})" if status == "met" and to is not None else status
