"""What every section of the configuration is made of, and forms that values take in several."""

import re
from typing import Annotated, Any, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    field_validator,
)

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ \-]*")
_NUMBERS = {int, float, type(None)}


def as_tuple(value: Any) -> Any:
    """A value that stands alone as a tuple of it."""
    return (value,) if isinstance(value, str | int | float | bool) else value


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
