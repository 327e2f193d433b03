"""The input of a configuration, kept apart from its output: no run reads what it writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import fsspec
from fsspec.implementations.cached import CachingFileSystem

from transforms.base.errors import ConfigError, FairshardError
from transforms.base.places import Names, Places
from transforms.config.sections import Config
from transforms.shards.finding import Found, Infos, Shard, found_in
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage, version_of
from transforms.storage.shared_labels import check_apart


def found_apart(config: Config) -> Found:
    """The shards of `config`, without those of an output that lies below one of the patterns.

    Raises ConfigError where the input is in folders that a run writes to: where all that a pattern
    matches is, where a link leads there, or where no run has written these folders yet. Raises
    also what `found_in` raises.
    """
    output = output_storage(config.output)
    check_apart(output)
    given = config.input.key
    outside = _Apart(Storage(output.url, output.options), given).outside
    if output.labels is None:
        return found_in(config.input, outside)
    of_labels = _Apart(output.of_labels, given, "output.labels").outside
    return found_in(config.input, lambda system, infos: of_labels(system, outside(system, infos)))


def found_if_told(config: Config) -> Found | None:
    """As `found_apart`; None where the input cannot be told, which those say who need it.

    Raises ConfigError alone: to be asked before anything is written.
    """
    try:
        return found_apart(config)
    except ConfigError:
        raise
    except FairshardError:
        return None


def input_shards(config: Config) -> tuple[Shard, ...]:
    """The shards of `found_apart`."""
    return found_apart(config).shards


@dataclass(frozen=True)
class _Apart:
    """Tells what patterns match from what is in the own folders of `output`, which `key` names.

    `given` names the patterns.
    """

    output: Storage
    given: str
    key: str = "output.url"
    _seen: dict[int, Places] = field(default_factory=dict)

    def outside(self, system: Any, infos: Infos) -> Infos:
        """What one pattern matches, without what is the output's; by path, as fsspec tells it."""
        places = self._seen.setdefault(id(system), Places(_beneath(system)))
        own = {path for path in infos if places.around(path) & self._own}
        if not own or not self._is_there(places.system, min(own), infos[min(own)]):
            return infos
        direct = all(places.passed(path) & self._root for path in own)
        if len(own) == len(infos) or not direct or not self._is_begun:
            raise self._refusal([str(places.system.unstrip_protocol(path)) for path in sorted(own)])
        return {path: info for path, info in infos.items() if path not in own}

    @cached_property
    def _places(self) -> Places:
        return Places(fsspec.core.url_to_fs(self.output.url, **self.output.options)[0])

    @cached_property
    def _root(self) -> Names:
        return self._names_of("")

    @cached_property
    def _own(self) -> Names:
        try:
            self._path("")
        except Exception:  # what cannot be opened is not written to: whoever tries says why
            return frozenset()
        return frozenset[Any]().union(*map(self._names_of, paths.OWN_FOLDERS))

    def _names_of(self, folder: str) -> Names:
        return self._places.of(self._path(folder))

    def _path(self, name: str) -> str:
        return str(fsspec.core.url_to_fs(self.output.path(name), **self.output.options)[1])

    @cached_property
    def _is_begun(self) -> bool:
        """Whether what is in the output's own folders is of a run: shards come after the plan."""
        there = any(map(self.output.exists, (paths.PLAN, paths.MANIFEST)))
        return there or bool(self.output.names(paths.OUTPUT_RECORDS))

    def _is_there(self, system: Any, path: str, info: Mapping[str, Any]) -> bool:
        """Whether the output's storage has the same file at `path`, if it is not that of `system`.

        Two endpoints, or accounts, may have the same keys.
        """
        if self._places.local or system is self._places.system:
            return True
        name = path.strip("/").removeprefix(f"{self._path('').strip('/')}/")
        folder, _, last = name.rpartition("/")
        return self.output.versions(folder).get(last) == version_of(info)

    def _refusal(self, own: list[str]) -> ConfigError:
        first = own[0].removeprefix("file://")
        which = f"the input shard {first} lies"
        if len(own) > 1:
            which = f"{len(own):,} input shards ({first} among them) lie"
        return ConfigError(
            f"{self.given} and {self.key}: {which} in a folder that a run writes to in "
            f"{self.output.url}, and would be overwritten; give {self.key} a folder of its own, or "
            f"leave what is in it out of {self.given}"
        )


def _beneath(system: Any) -> Any:
    """The file system that caches lie over; `system` itself where it is none."""
    while isinstance(system, CachingFileSystem):
        system = system.fs
    return system
