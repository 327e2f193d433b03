"""How an input stands to the shards that an output was made from."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Self

from jobs.session.labelled import Labels
from jobs.session.standing import OF_ONE
from transforms.base.counts import counted, first_of, named
from transforms.base.differences import in_words

_CHANGED = ("URL", "size", "time or etag")
_SHOWN = 3


@dataclass(frozen=True)
class NewShards:
    """The shards, by name, that the input has and an output was not made from.

    changed and gone: those that it was made from, and that are not what they were, or not there.
    settings: what labels depend on, and is not as it was.
    """

    names: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    settings: tuple[str, ...]

    @classmethod
    def of(cls, seen: Collection[str], labels: Labels) -> Self:
        """Those of an output that was made from the shards `seen`, by how its labels stand."""
        given = {shard.name for shard in labels.shards}
        stale = {name: why for name, why in labels.stale.items() if name in seen}
        return cls(
            tuple(sorted(given.difference(seen))),
            tuple(sorted(name for name, why in stale.items() if why in _CHANGED)),
            tuple(sorted(given.symmetric_difference(seen) - given)),
            tuple(sorted({why for why in stale.values() if why not in OF_ONE})),
        )

    @property
    def in_the_way(self) -> Iterator[str]:
        """Why nothing can be appended to the output: a line each."""
        if self.changed:
            have = named(len(self.changed), "has", "have")
            yield f"{_which(self.changed)} {have} changed since the output was made from it"
        if self.gone:
            are = named(len(self.gone), "is", "are")
            yield f"{_which(self.gone)} that the output was made from {are} not in the input"
        if self.settings:
            yield f"samples are to be labelled otherwise: {in_words(self.settings)} changed"


def _which(names: tuple[str, ...]) -> str:
    return f"{counted(len(names), 'shard')} ({first_of(names, _SHOWN)})"
