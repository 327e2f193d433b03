"""The columns of a configuration's names: recognised in samples, or derived from other columns."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import product
from math import prod

from transforms.config.forms import unknown, wrong_at
from transforms.config.groups import AttributeGroup, CrossedGroup, LabelGroup
from transforms.config.names import NameSpec
from transforms.config.recognisers import OF_SAMPLES, Source

CROSS = " × "
_TYPED_CROSS = " x "
_MOST_CROSSED = 10_000
_SECTIONS = {"s": "attributes", "y": "labels"}

Place = tuple[str, str]
Named = AttributeGroup | LabelGroup


@dataclass(frozen=True, slots=True)
class Recognised:
    """One boolean column of the label table and the sources that may set it."""

    column: str
    kind: str
    group: str
    name: str
    sources: tuple[Source, ...]

    @property
    def of_samples(self) -> tuple[Source, ...]:
        """Those of its sources that are parts of a sample; the others are joined to it."""
        return tuple(source for source in self.sources if source in OF_SAMPLES)


@dataclass(frozen=True, slots=True)
class Derived:
    """One boolean column that follows from others, and that label tables do not hold.

    True where all of `all_of` are, one of `any_of` (where there are any), and none of `none_of`.
    """

    column: str
    kind: str
    group: str
    name: str
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The columns that it follows from."""
        return (*self.all_of, *self.any_of, *self.none_of)


class NamedColumns:
    """The columns of all names of groups of attributes ("s") and of labels ("y"), in their order.

    A name is found as `group.name`, and as `name` in its own group or where one group alone has it;
    what attributes and labels both have is looked for in the section that asks. Raises
    ValidationError, at the key, where a name or a group is not there, or follows from itself.
    """

    def __init__(
        self,
        attributes: Mapping[str, Named | CrossedGroup],
        labels: Mapping[str, Named | CrossedGroup],
    ) -> None:
        self._groups: dict[str, Mapping[str, Named | CrossedGroup]] = {"s": attributes, "y": labels}
        self._names: dict[Place, tuple[str, ...]] = {}

    def entries(self, kind: str) -> Iterator[Recognised | Derived]:
        """The columns of one section."""
        for name, group in self._groups[kind].items():
            if isinstance(group, CrossedGroup):
                yield from self._crossings(kind, name)
            else:
                yield from self._members(kind, name, group)

    def crossed(self, kind: str, group_name: str) -> tuple[Place, ...]:
        """Which groups, by kind and name, a crossed group is made of."""
        group, where = self._groups[kind][group_name], (_SECTIONS[kind], group_name, "crossed")
        if not isinstance(group, CrossedGroup):
            return ()
        places = tuple(self._place(kind, name, where) for name in group.crossed)
        twice = next((place for place in places if places.count(place) > 1), None)
        if twice:
            raise wrong_at(where, f"{twice[1]!r} is crossed with itself: name it once")
        return places

    def names(self, kind: str, group_name: str, within: tuple[Place, ...] = ()) -> tuple[str, ...]:
        """The names of a group, as columns have them; `within` are those that are made of it."""
        place, group = (kind, group_name), self._groups[kind][group_name]
        if place in self._names:
            return self._names[place]
        if isinstance(group, CrossedGroup):
            within = (*within, place)
            parts = self.crossed(kind, group_name)
            if circle := next((part for part in parts if part in within), None):
                where = (_SECTIONS[circle[0]], circle[1], "crossed")
                raise wrong_at(where, f"{circle[1]!r} cannot be crossed with what is made of it")
            by_part = [self.names(*part, within) for part in parts]
            if (count := prod(map(len, by_part))) > _MOST_CROSSED:
                raise wrong_at(
                    (_SECTIONS[kind], group_name, "crossed"),
                    f"that makes {count:,} names, and {_MOST_CROSSED:,} is the most: cross smaller "
                    "groups, or derive the names that matter with all_of",
                )
            found = tuple(CROSS.join(names) for names in product(*by_part))
        else:
            found = tuple(
                apart
                for name, spec in group.names.items()
                for apart, _ in _apart(name, spec, group)
            )
        self._names[place] = found
        return found

    def _members(self, kind: str, group_name: str, group: Named) -> Iterator[Recognised | Derived]:
        for name, spec in group.names.items():
            if derivation := spec.derives_from():
                where = (_SECTIONS[kind], group_name, "names", name)
                parts = {
                    key: tuple(
                        self._column(kind, group_name, part, (*where, key)) for part in names
                    )
                    for key, names in derivation.items()
                }
                yield Derived(f"{kind}.{group_name}.{name}", kind, group_name, name, **parts)
                continue
            for apart, sources in _apart(name, spec, group):
                within = f"{group_name}{apart.removeprefix(name)}"
                yield Recognised(f"{kind}.{group_name}.{apart}", kind, within, apart, sources)

    def _crossings(self, kind: str, group_name: str) -> Iterator[Derived]:
        parts, crossings = self.crossed(kind, group_name), self.names(kind, group_name)
        columns = product(
            *([f"{of}.{name}.{one}" for one in self.names(of, name)] for of, name in parts)
        )
        for name, all_of in zip(crossings, columns, strict=True):
            yield Derived(f"{kind}.{group_name}.{name}", kind, group_name, name, all_of=all_of)

    def _place(self, kind: str, group_name: str, where: tuple[str, ...]) -> Place:
        for of in _own_first(kind):
            if (group := self._groups[of].get(group_name)) is not None:
                if not isinstance(group, CrossedGroup) and group.combine == "apart":
                    raise wrong_at(
                        where,
                        f"{group_name!r} has combine: apart, and so a group for each source: cross "
                        "one with combine: any or all",
                    )
                return of, group_name
        there_are = {name: name for of in _own_first(kind) for name in self._groups[of]}
        raise wrong_at(where, unknown("group", group_name, there_are))

    def _column(self, kind: str, group: str, given: str, where: tuple[str, ...]) -> str:
        columns = next(filter(None, self._meanings(kind, group, given)), [])
        if len(columns) == 1:
            return columns[0]
        if columns:
            several = " or ".join(map(shown_name, columns))
            raise wrong_at(where, f"there are several {given!r}: is it {several}?")
        for of in _own_first(kind):
            if given in self._groups[of]:
                members = ", ".join(f"{given}.{name}" for name in self.names(of, given)[:3])
                raise wrong_at(where, f"{given!r} is a group: give names of it, as {members}")
        there_are = {
            name: shown_name(columns[0])
            for spelled in self._spellings
            for of in spelled.values()
            for name, columns in of.items()
        }
        raise wrong_at(where, unknown("name", given, there_are))

    def _meanings(self, kind: str, group: str, given: str) -> Iterator[list[str]]:
        """The columns that may be meant, what is nearest first."""
        whole, alone, typed_whole, typed_alone = self._spellings
        for by_group, by_name in ((whole, alone), (typed_whole, typed_alone)):
            yield from (by_group[of].get(given, []) for of in _own_first(kind))
            yield by_group[kind].get(f"{group}.{given}", [])
            yield from (by_name[of].get(given, []) for of in _own_first(kind))

    @cached_property
    def _spellings(self) -> tuple[dict[str, dict[str, list[str]]], ...]:
        """The columns by kind and by what they may be called: group.name, name, and as typed."""
        spellings = []
        for of_column in (
            shown_name,
            _alone,
            lambda column: typed(shown_name(column)),
            lambda column: typed(_alone(column)),
        ):
            spelled: dict[str, dict[str, list[str]]] = {kind: {} for kind in self._groups}
            for kind, groups in self._groups.items():
                for group in groups:
                    for name in self.names(kind, group):
                        column = f"{kind}.{group}.{name}"
                        spelled[kind].setdefault(of_column(column), []).append(column)
            spellings.append(spelled)
        return tuple(spellings)


def shown_name(column: str) -> str:
    """The name of a column as people and configurations call it: group.name."""
    return column.partition(".")[2]


def without_source(column: str) -> str:
    """The column that a name has where its sources are not kept apart."""
    kind, group, name = column.split(".", 2)
    return f"{kind}.{group}.{name.partition('@')[0]}"


def in_order(derived: Iterable[Derived]) -> tuple[Derived, ...]:
    """Derived columns, each after those that it follows from; ValidationError if one is its own."""
    by_column = {entry.column: entry for entry in derived}
    graph = {
        column: [part for part in entry.parts if part in by_column]
        for column, entry in by_column.items()
    }
    try:
        return tuple(by_column[column] for column in TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = error.args[1][::-1]
        first = by_column[circle[0]]
        follows = ", which follows from ".join(map(shown_name, circle[1:]))
        raise wrong_at(
            (_SECTIONS[first.kind], first.group),
            f"{shown_name(circle[0])} follows from {follows}: no name can follow from itself",
        ) from error


def _alone(column: str) -> str:
    return column.split(".", 2)[2]


def typed(name: str) -> str:
    """A name as a keyboard has it."""
    return name.replace(CROSS, _TYPED_CROSS)


def _apart(name: str, spec: NameSpec, group: Named) -> Iterator[tuple[str, tuple[Source, ...]]]:
    """The columns that a name has, and the sources of each."""
    sources = spec.sources()
    if group.combine == "apart":
        yield from ((f"{name}@{source}", (source,)) for source in sources)
    else:
        yield name, sources


def _own_first(kind: str) -> tuple[str, str]:
    return ("s", "y") if kind == "s" else ("y", "s")
