"""Keys that are set from outside a configuration's file: `balance.eta=0.5`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transforms.base.counts import counted
from transforms.base.errors import ConfigError, WrongKey
from transforms.config.yaml_text import values_in

_PART = re.compile(r"""(?:^|(?<=.)\.)(?:"([^"]+)"|'([^']+)'|([^.="'\[\]]+))|\[(\d+)\]""")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A value, as YAML gives it, for the key at `place`: names and numbers of entries, as text."""

    place: tuple[str, ...]
    value: Any

    @property
    def key(self) -> str:
        """The key as people write it."""
        return ".".join(self.place)

    def covers(self, place: Sequence[str | int]) -> bool:
        """Whether the key at `place` has its value from here."""
        return tuple(map(str, place[: len(self.place)])) == self.place


def assignment(text: str) -> Assignment:
    """What `KEY=VALUE` sets: the value in YAML, the key as `balance.overrides.0.labels`.

    A part of the key that has dots stands in quotes. Raises ConfigError where it is none.
    """
    place, equals, value = _place_in(text)
    if not place or not equals:
        raise ConfigError(f"--set {text}: write KEY=VALUE, as in --set balance.eta=0.5")
    return Assignment(place, values_in(value, f"the value of --set {'.'.join(place)}"))


def assignments_of(values: Mapping[str, Any]) -> tuple[Assignment, ...]:
    """The assignments of values by key; ConfigError where one is no key."""
    found = []
    for key, value in values.items():
        place, _, rest = _place_in(key)
        if not place or rest:
            raise ConfigError(f"{key!r} is no key: write it as in 'balance.eta'")
        found.append(Assignment(place, value))
    return tuple(found)


def assigned(values: Mapping[str, Any], assignments: Sequence[Assignment]) -> dict[str, Any]:
    """`values` with what is assigned in its place, in order; sections that are missing are made.

    Raises ConfigError where a key leads through what has no keys.
    """
    found: Any = dict(values)
    for one in assignments:
        found = _with(found, one, 0)
    return dict(found)


def _place_in(text: str) -> tuple[tuple[str, ...], bool, str]:
    """The parts of the key that `text` begins with, whether a `=` follows, and the rest."""
    place, end = [], 0
    while found := _PART.match(text, end):
        place.append(next(filter(None, found.groups())).strip())
        end = found.end()
    rest = text[end:].lstrip()
    return tuple(place), rest.startswith("="), rest.removeprefix("=")


def _with(node: Any, one: Assignment, depth: int) -> Any:
    if depth == len(one.place):
        return one.value
    part = one.place[depth]
    if node is None and part == "0":
        node = []
    if isinstance(node, list):
        number = _number(part, node, one.place[: depth + 1])
        old = node[number] if number < len(node) else None
        return [*node[:number], _with(old, one, depth + 1), *node[number + 1 :]]
    if node is not None and not isinstance(node, Mapping):
        raise _no_way(one.place[: depth + 1], "what is above it is a value and has no keys")
    held = node or {}
    return {**held, part: _with(held.get(part), one, depth + 1)}


def _number(part: str, entries: list[Any], place: tuple[str, ...]) -> int:
    if part.isdecimal() and int(part) <= len(entries):
        return int(part)
    last = f"{len(entries) - 1}, or {len(entries)}" if entries else "0"
    raise _no_way(
        place,
        f"what is above it is a list of {counted(len(entries), 'entry', 'entries')}: name one by "
        f"its number, {'from 0 to ' * bool(entries)}{last} to add one",
    )


def _no_way(place: tuple[str, ...], reason: str) -> ConfigError:
    return ConfigError(f"--set {'.'.join(place)}: {reason}", [WrongKey(reason, place)])
