"""Conditions on values: how one is compared, wherever a configuration compares values."""

from importlib import import_module
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from transforms.base.errors import ConfigError
from transforms.config.forms import Section, Words, as_tuple

Values = Annotated[tuple[str | bool | int | float, ...], BeforeValidator(as_tuple)]
_UNSET: tuple[Any, ...] = (None, ())
_DEEPEST = 10
_EXACT = 2**53


def pattern_of(text: str) -> Any:
    """The RE2 pattern that `text` is, to be searched for; ValueError where it is none."""
    re2 = _re2()
    options = re2.Options()
    options.log_errors, options.never_capture = False, True
    try:
        return re2.compile(text, options=options)
    except UnicodeEncodeError:
        raise ValueError(f"the pattern {text!r} holds what is no character") from None
    except re2.error as error:
        told = b" ".join(error.args).decode("utf-8", "replace")
        raise ValueError(
            f"RE2 does not take the pattern {text!r}: {told} (look-around and references back, "
            "which may take for ever, are not in RE2)"
        ) from None


def _re2() -> Any:
    """The library, which whoever has no pattern need not have."""
    try:
        return import_module("re2")
    except ImportError as error:
        raise ConfigError(
            "matches needs the package google-re2, which is not installed here: install it, or "
            "list the values"
        ) from error


def _as_values(value: Any) -> Any:
    """What stands in place of a mapping of conditions: the values themselves."""
    inner, depth = value, 0
    while isinstance(inner, dict) and "not" in inner:
        inner, depth = inner["not"], depth + 1
        if depth == _DEEPEST:
            raise ValueError("`not` within `not` so often: two of them are none, leave them out")
    return value if value is None or isinstance(value, dict | Section) else {"values": value}


def in_digits(value: float) -> str:
    """A number with all of its digits, a whole one without a point."""
    return str(int(value) if value.is_integer() and abs(value) < _EXACT else value)


class Condition(Section):
    """What must hold of a value; of several that are given all must.

    values: it equals one of them, in type as well. at_least, above, at_most, below: it is a number,
    or a text that holds one, within these. matches: it is a text in which one of these RE2 patterns
    is found. present: whether there is a value at all, other than null and NaN. not: what must not
    hold.
    """

    values: Values = Field((), min_length=1)
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    matches: Words = Field((), min_length=1)
    present: bool | None = None
    not_: Annotated["Condition | None", BeforeValidator(_as_values)] = Field(None, alias="not")

    @field_validator("matches")
    @classmethod
    def _patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if not pattern:
                raise ValueError("an empty pattern is found in any text: give `present: true`")
            pattern_of(pattern)
        return patterns

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        given = [key for key in Condition.model_fields if getattr(self, key) not in _UNSET]
        if not given:
            keys = ", ".join(key.rstrip("_") for key in Condition.model_fields)
            raise ValueError(f"says nothing of a value: give one of {keys}")
        if self.present is False and len(given) > 1:
            other = next(key for key in given if key != "present").rstrip("_")
            raise ValueError(f"present: false leaves no value for `{other}` to hold of: give one")
        self._check_bounds()
        return self

    @model_serializer(mode="wrap")
    def _as_given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What was given, in the keys of the configuration; where the value is comes first."""
        dumped = handler(self)
        given = (key for key in type(self).model_fields if getattr(self, key) not in _UNSET)
        ordered = sorted(given, key=lambda key: key in Condition.model_fields)
        return {key.rstrip("_"): dumped.get(key, dumped.get(key.rstrip("_"))) for key in ordered}

    def _check_bounds(self) -> None:
        for low in ("at_least", "above"):
            for high in ("at_most", "below"):
                least, most = getattr(self, low), getattr(self, high)
                if least is None or most is None or least < most:
                    continue
                if least > most or (low, high) != ("at_least", "at_most"):
                    raise ValueError(
                        f"no number is both {low}: {in_digits(least)} and "
                        f"{high}: {in_digits(most)}: exchange or correct them"
                    )
