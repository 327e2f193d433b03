"""How a name is recognised: the settings of registered recognisers, each under its key."""

from collections.abc import Collection
from functools import cache
from typing import Any, Self

from pydantic import (
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializationInfo,
    create_model,
    model_serializer,
    model_validator,
)

from transforms.config.forms import Section, Words
from transforms.config.recognisers import (
    RECOGNISERS,
    SOURCES,
    Recogniser,
    Source,
    dumped,
    registered,
)
from transforms.config.shares import ShareLimits, WantedShare

DERIVING = ("all_of", "any_of", "none_of")


class NameSpec(ShareLimits):
    """How one name is recognised: any of the registered recognisers that it has a key of.

    Or how it follows from other names: all of `all_of` are true, one of `any_of`, and none of
    `none_of`. Once read, it needs no registry but to be dumped.
    """

    model_config = ConfigDict(extra="allow")

    all_of: Words = Field((), min_length=1)
    any_of: Words = Field((), min_length=1)
    none_of: Words = Field((), min_length=1)
    _given: dict[str, Source] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(values, dict):
            return handler(values)
        for key in values:
            if why := RECOGNISERS.broken(key):
                raise ValueError(f"the recogniser {key!r} cannot be used: {why}")
        entries = registered()
        parsed = _form(cls, entries).model_validate(values)
        settings = {entry.name: getattr(parsed, entry.name) for entry in entries}
        given = {e.name: e.source for e in entries if settings[e.name] != e.unset}
        kept = {e.name: settings[e.name] for e in entries if e.original or e.name in given}
        spec = handler(
            {
                **kept,
                **{
                    key: getattr(parsed, key)
                    for key in cls.model_fields
                    if key in parsed.model_fields_set
                },
            }
        )
        spec._given = given
        return spec

    @model_serializer(mode="plain")
    def _dump(self, info: SerializationInfo) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in type(self).model_fields}
        given = {name: value for name, value in own.items() if value not in (None, ())}
        return {**dumped(self.given(), info.mode, info.round_trip), **given}

    def given(self, sources: Collection[Source] = SOURCES) -> dict[str, Any]:
        """The settings by key that ask for something of these sources."""
        settings = self.model_extra or {}
        return {key: settings[key] for key, source in self._given.items() if source in sources}

    def derives_from(self) -> dict[str, tuple[str, ...]]:
        """The names that this one follows from, by the keys that say how."""
        return {key: names for key in DERIVING if (names := getattr(self, key))}

    def sources(self) -> tuple[Source, ...]:
        """The sources that this name uses, in a fixed order."""
        used = set(self._given.values())
        return tuple(source for source in SOURCES if source in used)


class AttributeSpec(NameSpec, WantedShare):
    """A sensitive attribute: how it is recognised, and the share wanted of it."""

    model_config = ConfigDict(extra="allow")


def keys_of_names(kind: type[NameSpec]) -> tuple[str, ...]:
    """The keys that names of a kind may have."""
    unwritten = {entry.name for entry in registered() if entry.written_as}
    return tuple(key for key in _form(kind, registered()).model_fields if key not in unwritten)


@cache
def _form(kind: type[NameSpec], entries: tuple[Recogniser, ...]) -> type[Section]:
    """The form of a name whose keys are those of `entries` and of `kind`."""
    keys: dict[str, Any] = {entry.name: (entry.annotation, entry.unset) for entry in entries}
    keys |= {name: (field.annotation, field) for name, field in kind.model_fields.items()}
    return create_model(kind.__name__, __base__=Section, **keys)
