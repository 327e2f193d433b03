"""Artefacts in JSON, read back: each in its form, or not at all."""

import dataclasses
import json
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from transforms.base.logs import LOGGER
from transforms.base.redaction import redacted_values
from transforms.storage.files import Storage

T = TypeVar("T")

_MOST = 2**63

Count = Annotated[int, Field(ge=0, lt=2**63)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def _instant(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time without its zone")
    return text


Instant = Annotated[str, AfterValidator(_instant)]


class Document(BaseModel):
    """An artefact in JSON, or a part of one; keys that it does not know are passed over."""

    model_config = ConfigDict(
        frozen=True, strict=True, populate_by_name=True, ser_json_inf_nan="constants"
    )

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it: keys in their order, without those that the file did not have."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def json_in(content: bytes) -> dict[str, Any]:
    """The JSON object in `content`; ValueError, in one clause, where it holds none.

    What is nested deeper than 200 levels, a number of thousands of digits, or text that is not
    Unicode makes it none.
    """
    try:
        document = from_json(content)
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("it holds no JSON object")
    return document


def parsed(content: bytes, form: TypeAdapter[T]) -> T:
    """What the JSON `content` says, strictly in its `form`; ValueError where it is not of it."""
    try:
        return form.validate_json(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from error


def plausible(record: T) -> T:
    """`record`, a dataclass; ValueError where a number in it can be no count and no time."""
    values: list[Any] = [dataclasses.asdict(record)]  # type: ignore[call-overload]
    while values:
        match values.pop():
            case dict() as inner:
                values += inner.values()
            case list() | tuple() as inner:
                values += inner
            case int() | float() as number if not 0 <= number < _MOST:
                raise ValueError(f"{number} is no count or time")
    return record


def found(storage: Storage, name: str, form: TypeAdapter[T], lost: str) -> T | None:
    """The JSON file `name`; None where there is none, or it is not of its `form`.

    That is then said, with `lost`: what comes of it.
    """
    content = storage.find(name)
    if content is None:
        return None
    try:
        return parsed(content, form)
    except ValueError as error:
        LOGGER.warning("%s cannot be read (%s): %s", storage.path(name), error, lost)
        return None


def to_json(record: Any) -> bytes:
    """A record (a dataclass) as readable JSON, without the secrets that a URL may carry."""
    values = redacted_values(dataclasses.asdict(record))
    return (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode()
