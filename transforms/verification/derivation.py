"""Names that follow from other names, as a plan's configuration says: label tables lack these."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import product

import numpy as np
from numpy.typing import NDArray

from transforms.verification.configured import ConfigEntry, GroupEntry

Flags = NDArray[np.bool_]
Asked = tuple[float | None, str]
_BETWEEN = " × "
_TYPED = " x "


@dataclass(frozen=True)
class Rule:
    """The columns that one follows from: all of the first are true, one of the second, none of the
    third.
    """

    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()

    def flags(self, of: Mapping[str, Flags]) -> Flags:
        """Where it holds, of the flags by column."""
        holds = np.ones(len(next(iter(of.values()))), np.bool_)
        for column in self.all_of:
            holds &= of[column]
        for column in self.none_of:
            holds &= ~of[column]
        if self.any_of:
            holds &= np.any([of[column] for column in self.any_of], axis=0)
        return holds


def rules_of(config: ConfigEntry, columns: Sequence[str]) -> dict[str, Rule]:
    """How each derived one of a plan's columns comes about, after those that it follows from.

    Raises ValueError where that cannot be.
    """
    rules: dict[str, Rule] = {}
    for kind, groups in _sections(config).items():
        for group_name, group in groups.items():
            if group.crossed:
                rules |= _crossings(config, kind, group_name, columns)
                continue
            for name, entry in group.names.items():
                parts = [
                    tuple(_meant(given, kind, group_name, columns) for given in names)
                    for names in (entry.all_of, entry.any_of, entry.none_of)
                ]
                if any(parts):
                    rules[f"{kind}.{group_name}.{name}"] = Rule(*parts)
    if absent := [column for column in rules if column not in columns]:
        raise ValueError(f"{absent[0][2:]} is derived, and is no attribute or label of the plan")
    graph = {
        column: {*rule.all_of, *rule.any_of, *rule.none_of} & rules.keys()
        for column, rule in rules.items()
    }
    try:
        return {column: rules[column] for column in TopologicalSorter(graph).static_order()}
    except CycleError as error:
        raise ValueError(f"{error.args[1][0]} follows from itself") from error


def shares_asked(config: ConfigEntry, columns: Sequence[str]) -> dict[str, Asked]:
    """The target of each attribute, by name without its source, and of what it is a share."""
    asked: dict[str, Asked] = {}
    waiting = list(config.attributes)
    while waiting:
        ready = [
            name
            for name in waiting
            if not {part for _, part in _parts(config, "s", name)} & {*waiting}
        ]
        if not ready:
            raise ValueError(f"the group {waiting[0]} is crossed with itself")
        for name in ready:
            asked |= _shares_of(config, name, columns, asked)
        waiting = [name for name in waiting if name not in ready]
    return asked


def _shares_of(
    config: ConfigEntry,
    group_name: str,
    columns: Sequence[str],
    asked: Mapping[str, Asked],
) -> dict[str, Asked]:
    group = config.attributes[group_name]
    if not group.crossed:
        return {
            f"{group_name}.{name}": (entry.target, group.share_of or "all")
            for name, entry in group.names.items()
        }
    given = {typed(name): entry for name, entry in group.names.items()}
    found: dict[str, Asked] = {}
    for column, rule in _crossings(config, "s", group_name, columns).items():
        name = column.split(".", 2)[2]
        parts = [asked[part[2:]] for part in rule.all_of if part[2:] in asked and part[0] == "s"]
        share_of = group.share_of or (parts[0][1] if parts else "all")
        entry = given.get(typed(name))
        target = _product(share for share, _ in parts) if entry is None else entry.target
        found[f"{group_name}.{name}"] = (target, share_of)
    return found


def _product(targets: Iterable[float | None]) -> float:
    """The product of targets, nan where one is not there."""
    return math.prod(math.nan if target is None else target for target in targets)


def typed(name: str) -> str:
    """A name as it can be typed."""
    return name.replace(_BETWEEN, _TYPED)


def _crossings(
    config: ConfigEntry, kind: str, group_name: str, columns: Sequence[str]
) -> dict[str, Rule]:
    members = [
        [column for column in columns if column.startswith(f"{of}.{name}.")]
        for of, name in _parts(config, kind, group_name)
    ]
    return {
        f"{kind}.{group_name}.{_BETWEEN.join(column.split('.', 2)[2] for column in crossed)}": Rule(
            crossed
        )
        for crossed in product(*members)
    }


def _parts(config: ConfigEntry, kind: str, group_name: str) -> list[tuple[str, str]]:
    """The groups that a group is crossed from: those of its own section first."""
    sections = _sections(config)
    other = "y" if kind == "s" else "s"
    found = []
    for name in sections[kind][group_name].crossed:
        of = next((each for each in (kind, other) if name in sections[each]), None)
        if of is None:
            raise ValueError(f"{group_name} is crossed from {name}, which there is not")
        found.append((of, name))
    return found


def _sections(config: ConfigEntry) -> dict[str, dict[str, GroupEntry]]:
    return {"s": config.attributes, "y": config.labels}


def _meant(given: str, kind: str, group_name: str, columns: Sequence[str]) -> str:
    """The column that a configuration calls so, by group and name or by name; nearest first."""
    own_first = sorted(columns, key=lambda column: column[0] != kind)
    for spelled in (str, typed):
        for column in own_first:
            if spelled(column[2:]) == given:
                return column
        for column in own_first:
            if spelled(column) == f"{kind}.{group_name}.{given}":
                return column
        for column in own_first:
            if spelled(column.split(".", 2)[2]) == given:
                return column
    raise ValueError(f"a name is derived from {given}, which there is not")
