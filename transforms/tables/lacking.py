"""What a file of rows must have, and has not."""

from collections.abc import Iterable, Sequence

from transforms.base.counts import first_of
from transforms.base.nearest import did_you_mean

_SHOWN = 10


class LackingError(ValueError):
    """A file has no column of a name, in a clause."""


def require_columns(wanted: Iterable[str], there: Iterable[str]) -> None:
    """Raise LackingError unless each of the `wanted` columns is there, once."""
    names: Sequence[str] = list(there)
    for column in wanted:
        if column not in names:
            meant = did_you_mean(column, names) or f"; it has {first_of(names, _SHOWN)}"
            raise LackingError(f"has no column {column!r}{meant if names else ''}")
        if names.count(column) > 1:
            raise LackingError(f"has several columns {column!r}: give each its own name")
