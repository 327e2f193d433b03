"""What every section of the configuration is made of, and forms that values take in several."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import InitErrorDetails

from transforms.base.counts import first_of
from transforms.base.nearest import nearest

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ \-]*")
_NUMBERS = {int, float, type(None)}
_MOST_NAMED = 10


def as_tuple(value: Any) -> Any:
    """A value that stands alone as a tuple of it."""
    return (value,) if isinstance(value, str | int | float | bool) else value


def without_empty(values: dict[str, Any], *keys: str) -> dict[str, Any]:
    """A dumped section without those of `keys` that ask for nothing: as before there were any."""
    return {key: value for key, value in values.items() if value or key not in keys}


def wrong_at(place: tuple[str | int, ...], why: str) -> ValidationError:
    """The error of a key that is found wrong once what it names is known."""
    detail = InitErrorDetails(
        type="value_error", loc=place, input=None, ctx={"error": ValueError(why)}
    )
    return ValidationError.from_exception_data("the configuration", [detail])


def unknown(what: str, given: str, there_are: Mapping[str, str]) -> str:
    """That there is no such `what`, and which was perhaps meant, of names by their spellings."""
    of_sources = [spelled for spelled in there_are if spelled.partition("@")[0] == given]
    if of_sources:
        meant = dict.fromkeys(there_are[spelled] for spelled in of_sources)
        return f"there is no {what} {given!r}: is it {' or '.join(map(repr, meant))}?"
    if near := nearest(given, there_are):
        return f"there is no {what} {given!r}; did you mean {there_are[near]!r}?"
    names = list(dict.fromkeys(there_are.values()))
    if not names:
        return f"there is no {what} {given!r}, nor any other"
    return f"there is no {what} {given!r}; there are: {first_of(names, _MOST_NAMED)}"


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(
            f"the name {name!r} may hold letters, digits, spaces, '_' and '-' only, "
            "and may not begin with a space or '-'"
        )
    return name


def _bare(kind: Any) -> Any:
    """A type without what is annotated to it."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


Words = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]
Name = Annotated[str, AfterValidator(_checked_name)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """YAML reads `on` and `NO` as true and false, and Python takes these for 1 and 0."""
        kinds = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and {*map(_bare, get_args(kinds) or (kinds,))} <= _NUMBERS:
            raise ValueError(f"should be a number, not {value}")
        return value
