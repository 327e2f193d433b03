"""Which keys of two nested mappings differ, as a configuration names them: `balance.eta`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from transforms.base.counts import first_of

_MOST = 3


def differing(one: Mapping[str, Any], other: Mapping[str, Any], within: str = "") -> list[str]:
    """The paths, in order, of the keys whose values differ; a key that one lacks is one path."""
    return sorted(_differing(one, other, within))


def in_words(paths: Sequence[str]) -> str:
    """Some paths and how many more there are: `a, b, c and 4 more`."""
    if len(paths) > _MOST:
        return first_of(paths, _MOST)
    return " and ".join(filter(None, (", ".join(paths[:-1]), *paths[-1:])))


def _differing(one: Mapping[str, Any], other: Mapping[str, Any], within: str) -> Iterator[str]:
    for key in {*one, *other}:
        path = f"{within}.{key}" if within else key
        left, right = one.get(key), other.get(key)
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            yield from _differing(left, right, path)
        elif left != right or (key in one) != (key in other):
            yield path
