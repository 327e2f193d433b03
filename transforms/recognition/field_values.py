"""What a metadata field holds in some samples, beside what names list of it."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from transforms.recognition.conditions import Predicate, Value, typed
from transforms.recognition.fields import FieldMatch, values_at
from transforms.recognition.likeness import nearest, spoilt_by_dates, squeezed

_LONGEST_SHOWN = 60
_LONGEST_LIST = 10_000
_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "y", "t"), 1.0),
    **dict.fromkeys(("false", "no", "off", "n", "f"), 0.0),
}
_NUMBER = re.compile(r"[+-]?\d{1,300}(\.\d{1,300})?")
_SEPARATORS = re.compile(r"[,;|]")
_BRACKETS = ("[]", "()", "{}")

Counted = tuple[Value, int]


@dataclass(frozen=True)
class FieldValues:
    """The field at `path` in some samples: in `present` of them, with objects in `objects`.

    listed: the values that names list, with these names. unlisted: those that none does and that no
    other condition of theirs holds of, with the number of samples that have each, the most frequent
    first. keys: fields of samples that lack this one, likewise. conditions: what else names ask.
    """

    path: str
    samples: int
    present: int
    objects: int
    listed: Mapping[Value, tuple[str, ...]]
    unlisted: tuple[Counted, ...]
    keys: tuple[str, ...]
    conditions: tuple[Predicate, ...] = ()

    @classmethod
    def of(
        cls, path: str, matches: Mapping[str, FieldMatch], documents: Sequence[Mapping[str, Any]]
    ) -> "FieldValues":
        """What there is at `path` in the metadata of samples, beside what names match there."""
        listed: dict[Value, tuple[str, ...]] = {}
        conditions = tuple(Predicate(one) for one in matches.values() if not one.lists_values)
        for name, match in matches.items():
            for value in dict.fromkeys(map(typed, match.values)) if match.lists_values else ():
                listed[value] = (*listed.get(value, ()), name)
        found: Counter[Value] = Counter()
        keys: Counter[str] = Counter()
        present = objects = 0
        for document in documents:
            values = [value for value in values_at(document, path) if value is not None]
            found.update({typed(value) for value in values if isinstance(value, str | int | float)})
            present += bool(values)
            objects += any(isinstance(value, dict) for value in values)
            if not values:
                keys.update(document.keys())
        unlisted = tuple(
            each
            for each in found.most_common()
            if each[0] not in listed and not any(one.holds([each[0][1]]) for one in conditions)
        )
        ordered = tuple(key for key, _ in keys.most_common())
        return cls(path, len(documents), present, objects, listed, unlisted, ordered, conditions)

    @property
    def may_lack(self) -> bool:
        """Whether a condition holds of what has no value here."""
        return any(one.holds(()) for one in self.conditions)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The listed values that are text."""
        return tuple(value for _, value in self.listed if isinstance(value, str))

    @cached_property
    def lists_as_text(self) -> tuple[Counted, ...]:
        """The unlisted values that are text and hold listed ones: "a,b", '["a", "b"]'."""
        forms = {str(value).casefold() for _, value in self.listed}
        return tuple(each for each in self.unlisted if not forms.isdisjoint(_parts(each[0][1])))

    def twin(self, value: Value) -> Value | None:
        """The listed value that is the same as `value` but for its type: 1 for "1"."""
        number = _loosely(value[1])
        if number is None:
            return None
        twins = self._by_number.get(number, ())
        return next((one for one in twins if one[0] != value[0]), None)

    def spelt(self, value: Value) -> Value | None:
        """The listed text that is the same as `value` but for case, spaces and hyphens."""
        return self._by_spelling.get(squeezed(value[1])) if isinstance(value[1], str) else None

    def date(self, value: Value) -> Value | None:
        """The listed text that a spreadsheet made the date `value` of."""
        found = spoilt_by_dates(value[1], self.texts) if isinstance(value[1], str) else ""
        return ("text", found) if found else None

    def nearest(self, value: Value) -> Value | None:
        """The listed value that is nearest to an unlisted one."""
        if (found := self.twin(value) or self.date(value) or self.spelt(value)) is not None:
            return found
        near = nearest(value[1][:_LONGEST_SHOWN], self.texts) if isinstance(value[1], str) else ""
        return ("text", near) if near else None

    @cached_property
    def _by_number(self) -> dict[float, list[Value]]:
        """The listed values that are numbers when they are read loosely."""
        found: dict[float, list[Value]] = {}
        for value in self.listed:
            if (number := _loosely(value[1])) is not None:
                found.setdefault(number, []).append(value)
        return found

    @cached_property
    def _by_spelling(self) -> dict[str, Value]:
        return {squeezed(text): ("text", text) for text in reversed(self.texts)}


def shown(value: Value) -> str:
    """A value as JSON writes it, shortened."""
    text = json.dumps(value[1], ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _parts(value: object) -> Iterator[str]:
    """What a text holds that is written as a list; nothing where it is not."""
    if not isinstance(value, str) or len(value) > _LONGEST_LIST:
        return
    text = value.strip()
    bracketed = text[:1] + text[-1:] in _BRACKETS
    parts = _SEPARATORS.split(text[1:-1] if bracketed else text)
    if bracketed or len(parts) > 1:
        for part in parts:
            yield part.strip(" \t\n'\"").casefold()


def _loosely(value: str | bool | int | float) -> float | None:
    """The number that a value stands for if its type does not matter: 0 for false and "NO"."""
    if isinstance(value, str):
        text = value.strip()
        return float(text) if _NUMBER.fullmatch(text) else _WORDS.get(text.casefold())
    try:
        return float(value)
    except OverflowError:
        return None
