"""What can be added to fairshard from one file: registered here by name, known here by name alone.

A room registers its own as its modules are imported, an installed package through an entry point.
Nothing is loaded by looking: jobs, and the tasks of workers, load before a configuration is read.
"""

import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, Protocol, TypeVar

from transforms.base.errors import ConfigError, reason_of
from transforms.base.logs import LOGGER
from transforms.base.nearest import did_you_mean

_OURS = "fairshard"


class Entry(Protocol):
    """What can be registered: a name, as configurations write it, and what it is, in a line."""

    @property
    def name(self) -> str:
        """As a configuration or a command names it."""

    @property
    def about(self) -> str:
        """What it is, in one line."""


E = TypeVar("E", bound=Entry)


@dataclass
class Registry(Generic[E]):
    """The entries of one kind; `group` is that of the entry points of installed packages, or "".

    `kind` is what an entry is called in sentences, `base` the class that all entries are of.
    """

    kind: str
    group: str = ""
    base: type = object
    _entries: dict[str, E] = field(default_factory=dict)
    _origins: dict[str, str] = field(default_factory=dict)
    _broken: dict[str, str] = field(default_factory=dict)
    _seen: set[EntryPoint] = field(default_factory=set)

    def register(self, entry: E, origin: str = _OURS) -> E:
        """Add an entry, of fairshard itself or of the distribution `origin`.

        Raises ConfigError where it is none, or another one of that name is registered.
        """
        if not isinstance(entry, self.base):
            raise ConfigError(
                f"{origin} registers a {type(entry).__name__}, which is no {self.kind}"
            )
        taken = self._entries.setdefault(entry.name, entry)
        if taken is not entry:
            raise ConfigError(
                f"{origin} registers a {self.kind} named {entry.name!r}, and so does "
                f"{self._origins[entry.name]}: rename or uninstall one of them"
            )
        self._origins.setdefault(entry.name, origin)
        return entry

    def load(self, package: str) -> None:
        """Import every module of `package`, each of which registers, and what is installed.

        A distribution whose entry point cannot be loaded is warned of and left out.
        """
        for module in pkgutil.iter_modules(import_module(package).__path__):
            import_module(f"{package}.{module.name}")
        if self.group:
            for point in entry_points(group=self.group):
                if point not in self._seen:
                    self._seen.add(point)
                    self._load(point)

    def __getitem__(self, name: str) -> E:
        """The entry of a name; ConfigError, which says which there are, where there is none."""
        if name in self._entries:
            return self._entries[name]
        if name in self._broken:
            raise ConfigError(f"the {self.kind} {name!r} cannot be used: {self._broken[name]}")
        there_are = ", ".join(self) or "none is loaded"
        raise ConfigError(
            f"there is no {self.kind} {name!r}; there are: {there_are}{did_you_mean(name, self)}"
        )

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of the alphabet."""
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def broken(self, name: str) -> str:
        """Why what an installed package has under this name could not be loaded; "" otherwise."""
        return self._broken.get(name, "")

    def origin(self, name: str) -> str:
        """Who registered the entry of a name: fairshard, or a distribution with its version."""
        return self._origins[name]

    def _load(self, point: EntryPoint) -> None:
        origin = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
        try:
            self.register(point.load(), origin)
        except Exception as error:
            self._broken[point.name] = f"{origin} fails as it is loaded: {reason_of(error)}"
            LOGGER.warning(
                "the %s %r is left out: %s; mend or uninstall it",
                self.kind,
                point.name,
                self._broken[point.name],
            )
