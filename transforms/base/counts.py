"""Numbers of things in words: `1 shard`, `2,000 shards`; the first of many, and how many more."""

from collections.abc import Sequence


def counted(number: int, thing: str, things: str | None = None) -> str:
    """So many things; `things` is their plural where it is not `thing` with an s."""
    return f"{number:,} {named(number, thing, things)}"


def named(number: int, thing: str, things: str | None = None) -> str:
    """What so many things are called: a `shard`, else `shards`."""
    return thing if number == 1 else things or f"{thing}s"


def first_of(names: Sequence[str], most: int, between: str = ", ") -> str:
    """The first names, so many at `most`, and how many more there are: `a, b and 3 more`."""
    more, apart = len(names) - most, between.rstrip(", ")
    return between.join(names[:most]) + (f"{apart} and {more:,} more" if more > 0 else "")
