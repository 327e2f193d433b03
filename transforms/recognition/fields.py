"""Metadata: JSON members, and which columns their fields recognise."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pydantic import Field

from transforms.config.conditions import Condition
from transforms.recognition.conditions import Predicate, Value, typed

_LONGEST_INTEGER = 2.0**63


class FieldMatch(Condition):
    """A condition on the metadata field at `path`, whose dots descend."""

    path: str = Field(min_length=1)

    @property
    def lists_values(self) -> bool:
        """Whether it gives values and no other condition."""
        return bool(self.values) and self == FieldMatch(path=self.path, values=self.values)


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


def text_at(document: Any, path: str) -> str | None:
    """The first value at `path` as text, a number as JSON writes it; None where there is none."""
    value = next((one for one in values_at(document, path) if one is not None), None)
    return value if value is None or isinstance(value, str) else json.dumps(value)


def key_at(document: Any, path: str) -> str | None:
    """The one value at `path` as keys of tables are compared; None where there is no such one."""
    values = list(values_at(document, path))
    return key_of(values[0]) if len(values) == 1 else None


def key_of(value: Any) -> str | None:
    """A JSON value as a key of tables, as `transforms.tables.keys.key_texts` gives it.

    A text as it is, all else as JSON writes it, but for numbers: whole ones are in decimal digits,
    others as Arrow writes them. None where it is no key: empty, not finite, an object or a list.
    """
    match value:
        case "" | dict() | list() | None:
            return None
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case float() if not math.isfinite(value):
            return None
        case float() if value.is_integer() and abs(value) < _LONGEST_INTEGER:
            return str(int(value))
        case float():
            return str(pa.scalar(value).cast(pa.string()))
        case _:
            return json.dumps(value)


@dataclass
class _Wanted:
    """What is asked of one path: columns by a value that they list, and any other conditions."""

    listed: dict[Value, list[int]] = field(default_factory=dict)
    conditions: list[tuple[int, Predicate]] = field(default_factory=list)


class Fields:
    """The field matches of many columns, each path read once.

    A value matches if it is equal, in type as well: text exactly, numbers to numbers (1 is 1.0),
    true and false only to themselves. Of a field that is missing only `present: false` and `not`
    hold.
    """

    def __init__(self, matches: Mapping[int, FieldMatch]) -> None:
        self._paths: dict[str, _Wanted] = {}
        for column, match in matches.items():
            wanted = self._paths.setdefault(match.path, _Wanted())
            if not match.lists_values:
                wanted.conditions.append((column, Predicate(match)))
                continue
            for value in match.values:
                wanted.listed.setdefault(typed(value), []).append(column)

    def columns(self, document: Mapping[str, Any]) -> set[int]:
        """The columns that `document` matches."""
        matched: set[int] = set()
        for path, wanted in self._paths.items():
            values = list(values_at(document, path))
            for value in values:
                if wanted.listed and isinstance(value, str | int | float):
                    matched.update(wanted.listed.get(typed(value), ()))
            matched.update(column for column, asked in wanted.conditions if asked.holds(values))
        return matched


def _items(values: list[Any]) -> Iterator[Any]:
    remaining = values[::-1]
    while remaining:
        value = remaining.pop()
        if isinstance(value, list):
            remaining.extend(reversed(value))
        else:
            yield value
