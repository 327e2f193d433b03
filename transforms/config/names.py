"""How a name is recognised: the settings of registered recognisers, each under its key."""

from collections.abc import Collection
from functools import cache
from typing import Annotated, Any, Self

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

from transforms.config.forms import Section
from transforms.config.recognisers import (
    RECOGNISERS,
    SOURCES,
    Recogniser,
    Source,
    dumped,
    registered,
)

Share = Annotated[float, Field(gt=0, lt=1)]


class NameSpec(Section):
    """How one name is recognised: any of the registered recognisers that it has a key of.

    at_least and at_most bound its share of the kept samples. Once read, it needs no registry but to
    be dumped.
    """

    model_config = ConfigDict(extra="allow")

    at_least: Share | None = None
    at_most: Share | None = None

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
        spec = handler({**kept, **{name: getattr(parsed, name) for name in cls.model_fields}})
        spec._given = given
        return spec

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least:g} is above at_most {self.at_most:g}")
        return self

    @model_serializer(mode="plain")
    def _dump(self, info: SerializationInfo) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in type(self).model_fields}
        given = {name: value for name, value in own.items() if value is not None}
        return {**dumped(self.given(), info.mode, info.round_trip), **given}

    def given(self, sources: Collection[Source] = SOURCES) -> dict[str, Any]:
        """The settings by key that ask for something of these sources."""
        settings = self.model_extra or {}
        return {key: settings[key] for key, source in self._given.items() if source in sources}

    def sources(self) -> tuple[Source, ...]:
        """The sources that this name uses, in a fixed order."""
        used = set(self._given.values())
        return tuple(source for source in SOURCES if source in used)


class AttributeSpec(NameSpec):
    """A sensitive attribute: how it is recognised, and the share wanted of it (pi_k).

    Without a target there are only bounds on its share.
    """

    target: Share | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        least, target, most = self.at_least, self.target, self.at_most
        if least is None and target is None and most is None:
            raise ValueError("asks for nothing: give a target, at_least or at_most")
        if target is not None and not (least or 0.0) <= target <= (most or 1.0):
            raise ValueError(f"the target {target:g} is not within at_least and at_most")
        return self


@cache
def _form(kind: type[NameSpec], entries: tuple[Recogniser, ...]) -> type[Section]:
    """The form of a name whose keys are those of `entries` and of `kind`."""
    keys: dict[str, Any] = {entry.name: (entry.annotation, entry.unset) for entry in entries}
    keys |= {name: (field.annotation, field) for name, field in kind.model_fields.items()}
    return create_model(kind.__name__, __base__=Section, **keys)
