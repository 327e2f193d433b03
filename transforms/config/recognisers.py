"""The registry of recognisers: each is a key that a name may have in the configuration.

What a configuration must know of one is here; how it recognises, in its kind
(transforms/recognition/kinds.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from pydantic import TypeAdapter

from transforms.base.errors import ConfigError
from transforms.config.forms import Section
from transforms.config.observations import Observation
from transforms.config.registry import Registry

if TYPE_CHECKING:
    from transforms.config.groups import Group

Source = Literal["caption", "image", "metadata", "table"]
SOURCES: tuple[Source, ...] = get_args(Source)
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN = {
    "target",
    "at_least",
    "at_most",
    "all_of",
    "any_of",
    "none_of",
    "derives_from",
    *dir(Section),
}


def _no_terms(settings: Any) -> Iterable[str]:
    return ()


def _no_observations(settings: Mapping[str, Any], read: Sequence[Any]) -> Iterable[Observation]:
    return ()


def _no_check(settings: Mapping[str, Any], group: Group) -> None:
    return None


@dataclass(frozen=True, kw_only=True, eq=False)
class Recogniser:
    """A way to recognise names.

    name: its key under a name. source: the part of a sample that it looks at, which its kind says.
    form: what the key takes, any type that pydantic knows; unset: the value that asks for nothing,
    which also stands where the key is not given. version: to be raised when the same settings give
    other labels, so that samples are labelled again. check: raises ValueError where the settings of
    a group's names do not go together. terms: the words that settings look for. marks: what of a
    sample settings go by, in words: two names with one in common are recognised by the same; where
    it is not given, the terms. observe: what is to be noted of samples that a preview read, by the
    settings of names, and what the kind is given of each sample. original: one of those that have
    always been, and are part of every digest and dump, given or not.
    """

    name: str
    about: str
    source: ClassVar[Source]
    form: Any
    build: Callable[..., Any]
    unset: Any = None
    version: int = 1
    check: Callable[[Mapping[str, Any], Group], None] = _no_check
    terms: Callable[[Any], Iterable[str]] = _no_terms
    marks: Callable[[Any], Iterable[str]] | None = None
    observe: Callable[[Mapping[str, Any], Sequence[Any]], Iterable[Observation]] = _no_observations
    original: bool = False

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.name) or self.name in _TAKEN:
            raise ConfigError(
                f"a recogniser cannot be named {self.name!r}: that is taken, or holds more than "
                "small letters, digits and '_'"
            )
        if getattr(self, "source", None) not in SOURCES:
            raise ConfigError(f"the recogniser {self.name!r} is of no kind: it must have a source")
        _ = self._adapter

    @property
    def annotation(self) -> Any:
        """The form, with null where that asks for nothing."""
        return self.form | None if self.unset is None else self.form

    def dumped(self, settings: Any, mode: str, round_trip: bool = False) -> Any:
        """The settings as pydantic dumps them."""
        python_or_json: Any = mode
        return self._adapter.dump_python(settings, mode=python_or_json, round_trip=round_trip)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.annotation)


RECOGNISERS: Registry[Recogniser] = Registry("recogniser", "fairshard.recognisers", Recogniser)


def registered() -> tuple[Recogniser, ...]:
    """All that there are, by their sources; ConfigError where they were not loaded."""
    if not len(RECOGNISERS):
        raise ConfigError("no recogniser is loaded: call load_registrations() (transforms/stages)")
    return _in_order(RECOGNISERS[name] for name in RECOGNISERS)


def dumped(given: Mapping[str, Any], mode: str, round_trip: bool = False) -> dict[str, Any]:
    """Settings by key, as pydantic dumps them; ConfigError where a recogniser is not there."""
    originals = {entry for entry in registered() if entry.original}
    shown = _in_order({*originals, *(RECOGNISERS[name] for name in given)})
    return {
        entry.name: entry.dumped(given.get(entry.name, entry.unset), mode, round_trip)
        for entry in shown
    }


def _in_order(entries: Iterable[Recogniser]) -> tuple[Recogniser, ...]:
    return tuple(sorted(entries, key=lambda entry: (SOURCES.index(entry.source), entry.name)))
