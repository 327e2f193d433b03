"""What is wanted of crossed names: the shares that are given, or the products of the names'."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod

from transforms.config.columns import NamedColumns, typed
from transforms.config.forms import unknown, wrong_at
from transforms.config.groups import AttributeGroup, CrossedAttributes, check_one_whole
from transforms.config.shares import WantedShare


@dataclass(frozen=True)
class Targets:
    """The shares wanted of attributes, and of what; ValidationError as `NamedColumns`."""

    groups: Mapping[str, AttributeGroup | CrossedAttributes]
    columns: NamedColumns
    _found: dict[str, dict[str, WantedShare]] = field(default_factory=dict)

    def share_of(self, group_name: str) -> str:
        """Of what the targets of a group are shares."""
        group = self.groups[group_name]
        if group.share_of is not None:
            return group.share_of
        parts = (name for kind, name in self.columns.crossed("s", group_name) if kind == "s")
        found = {self.share_of(name) for name in parts}
        if len(found) > 1:
            raise wrong_at(
                ("attributes", group_name, "share_of"),
                "missing; the groups that are crossed have both all and group: give one of them",
            )
        return found.pop() if found else "all"

    def of(self, group_name: str) -> dict[str, WantedShare]:
        """What is wanted of a group, by name as columns have it."""
        if group_name not in self._found:
            group = self.groups[group_name]
            self._found[group_name] = (
                self._of_crossed(group_name, group)
                if isinstance(group, CrossedAttributes)
                else {
                    name: group.names[name.partition("@")[0]]
                    for name in self.columns.names("s", group_name)
                }
            )
        return self._found[group_name]

    def _of_crossed(self, group_name: str, group: CrossedAttributes) -> dict[str, WantedShare]:
        names = self.columns.names("s", group_name)
        spelled = {typed(name): name for name in names}
        given = {}
        for name, wanted in group.names.items():
            if typed(name) not in spelled:
                where = ("attributes", group_name, "names", name)
                raise wrong_at(where, unknown("name", name, dict(zip(names, names, strict=True))))
            given[spelled[typed(name)]] = wanted
        by_product = {} if given.keys() >= {*names} else self._products(group_name, {*given})
        found = {name: given.get(name) or by_product[name] for name in names}
        if self.share_of(group_name) == "group":
            try:
                check_one_whole(list(found.values()))
            except ValueError as error:
                raise wrong_at(("attributes", group_name), str(error)) from error
        return found

    def _products(self, group_name: str, given: set[str]) -> dict[str, WantedShare]:
        """The products of the targets of all pairs but those that are `given`."""
        parts, where = self.columns.crossed("s", group_name), ("attributes", group_name, "names")
        if labels := [name for kind, name in parts if kind != "s"]:
            raise wrong_at(
                where,
                f"the labels {labels[0]!r} have no targets to multiply: give every name its target",
            )
        names = self.columns.names("s", group_name)
        of_parts = product(*(self.of(name).items() for _, name in parts))
        found = {}
        for name, members in zip(names, of_parts, strict=True):
            if name in given:
                continue
            targets = []
            for (_, of), (member, wanted) in zip(parts, members, strict=True):
                if wanted.target is None:
                    raise wrong_at(
                        where,
                        f"{of}.{member} has no target to multiply: give {name!r} one, or at_least "
                        "or at_most",
                    )
                targets.append(wanted.target)
            found[name] = WantedShare(target=prod(targets))
        return found
