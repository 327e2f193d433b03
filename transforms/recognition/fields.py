"""Metadata: JSON members, and which columns their fields recognise."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from transforms.config.forms import Section, as_tuple

Value = tuple[str, str | bool | int | float]
Values = Annotated[tuple[str | bool | int | float, ...], BeforeValidator(as_tuple)]


class FieldMatch(Section):
    """True where the metadata field at `path` (dots descend) equals, or lists, one of `values`."""

    path: str = Field(min_length=1)
    values: Values = Field(min_length=1)


def parse(content: bytes) -> dict[str, Any]:
    """The JSON object in `content`; ValueError, in one clause, where it holds none."""
    try:
        document = json.loads(content)
    except RecursionError as error:
        raise ValueError("the metadata is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"the metadata is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("the metadata is not a JSON object")
    return document


def values_at(document: Any, path: str) -> Iterator[Any]:
    """The values at `path`, whose dots descend into objects, and into each item of lists."""
    found = [document]
    for step in path.split("."):
        found = [item[step] for item in _items(found) if isinstance(item, dict) and step in item]
    return _items(found)


class Fields:
    """The field matches of many columns, each path read once.

    A value matches if it is equal, in type as well: text exactly, numbers to numbers (1 is 1.0),
    true and false only to themselves. A missing field matches nothing.
    """

    def __init__(self, matches: Mapping[int, FieldMatch]) -> None:
        self._paths: dict[str, dict[Value, list[int]]] = {}
        for column, match in matches.items():
            columns = self._paths.setdefault(match.path, {})
            for value in match.values:
                columns.setdefault(typed(value), []).append(column)

    def columns(self, document: Mapping[str, Any]) -> set[int]:
        """The columns that `document` matches."""
        return {
            column
            for path, columns in self._paths.items()
            for value in values_at(document, path)
            if isinstance(value, str | int | float)
            for column in columns.get(typed(value), ())
        }


def _items(values: list[Any]) -> Iterator[Any]:
    remaining = values[::-1]
    while remaining:
        value = remaining.pop()
        if isinstance(value, list):
            remaining.extend(reversed(value))
        else:
            yield value


def typed(value: str | bool | int | float) -> Value:
    """A value as it is compared: with its type."""
    match value:
        case bool():
            return "truth", value
        case str():
            return "text", value
        case _:
            return "number", value
