"""What is to be noted of metadata fields: values that no name lists, and what to mend."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

from transforms.base.counts import counted
from transforms.config.observations import Cell, Observation
from transforms.recognition.conditions import Value
from transforms.recognition.field_values import FieldValues, shown
from transforms.recognition.fields import FieldMatch

_MOST_ROWS = 10
_MOST_NAMED = 3
_samples = partial(counted, thing="sample")
_MOST_KEYS = 6
_KINDS = {"text": "the text ", "number": "the number ", "truth": ""}


@dataclass(frozen=True)
class _Meant:
    """A value that no name lists, in so many samples, and the listed one that it was meant by."""

    value: Value
    samples: int
    listed: Value


def observe_fields(
    matches: Mapping[str, FieldMatch], documents: Sequence[Mapping[str, Any]]
) -> Iterator[Observation]:
    """An observation of each field that names list values of, over the metadata of samples."""
    paths: dict[str, dict[str, FieldMatch]] = {}
    for name, match in matches.items():
        paths.setdefault(match.path, {})[name] = match
    for path, of_path in paths.items():
        field = FieldValues.of(path, of_path, documents)
        yield Observation(_title(field), _rows(field), tuple(_advice(field)))


def _title(field: FieldValues) -> str:
    there = f"field {field.path}, in {field.present:,} of {_samples(field.samples)}"
    many = len(field.unlisted)
    if not many:
        take = "take" if field.conditions else "list"
        return f"{there}: names {take} every value" if field.present > field.objects else there
    most = f"the {_MOST_ROWS} most frequent of {many:,} values" if many > _MOST_ROWS else "values"
    return f"{there}: {most} that no name {'takes' if field.conditions else 'lists'}"


def _rows(field: FieldValues) -> tuple[Mapping[str, Cell], ...]:
    rows: list[Mapping[str, Cell]] = []
    for value, count in field.unlisted[:_MOST_ROWS]:
        near = field.nearest(value)
        rows.append(
            {
                "value": shown(value),
                "samples": count,
                "nearest listed": shown(near) if near else "",
                "of": ", ".join(field.listed[near]) if near else "",
            }
        )
    return tuple(rows)


def _advice(field: FieldValues) -> Iterator[str]:
    path = field.path
    if field.samples and not field.present and not field.may_lack:
        yield on_absence(field)
    if field.objects and not field.conditions:
        yield (
            f"the field {path} holds objects ({_samples(field.objects)}), which are compared with "
            f"nothing: name a field of theirs, as {path}.KEY"
        )
    if twins := _meant(field, field.twin):
        yield _on_types(field, twins)
    if field.lists_as_text:
        (first, _), count = field.lists_as_text[0], sum(n for _, n in field.lists_as_text)
        yield (
            f"the field {path} holds lists as text, as {shown(first)} ({_samples(count)}), and a "
            "text is compared whole: make them lists in the metadata"
        )
    if dates := _meant(field, field.date):
        yield (
            f"the field {path} has {_named(dates, field)}: a spreadsheet made dates of them; mend "
            "the metadata, or list these values as well"
        )
    if spelt := _meant(field, field.spelt):
        yield (
            f"the field {path} has {_named(spelt, field)}: case, spaces and hyphens are compared "
            "as well; list these values too"
        )


def on_absence(field: FieldValues) -> str:
    """That no sample has a value at a path, and which fields there are."""
    near = get_close_matches(field.path, field.keys)
    keys = list(dict.fromkeys([*near, *field.keys]))
    there = ", ".join(keys[:_MOST_KEYS]) + ", ..." * (len(keys) > _MOST_KEYS)
    return (
        f"the field {field.path} has no value in {_samples(field.samples)}: correct its path "
        f"({f'there are: {there}' if keys else 'the metadata has no field'})"
    )


def _on_types(field: FieldValues, twins: Sequence[_Meant]) -> str:
    values = ", ".join(shown(one.value) for one in twins[:_MOST_NAMED])
    switched = any(one.listed[0] == "truth" for one in twins)
    read = " (YAML reads NO, off and no as false, yes and on as true)" if switched else ""
    return (
        f"the field {field.path} has {_named(twins, field, _with_kind)}, and types are compared as "
        f"well: list what the data has, in field: {{path: {field.path}, values: [{values}]}}{read}"
    )


def _meant(field: FieldValues, meant: Callable[[Value], Value | None]) -> list[_Meant]:
    found = ((value, count, meant(value)) for value, count in field.unlisted)
    return [_Meant(value, count, one) for value, count, one in found if one is not None]


def _named(
    found: Sequence[_Meant], field: FieldValues, form: Callable[[Value], str] = shown
) -> str:
    parts = [
        f"{form(one.value)} ({_samples(one.samples)}) where {field.listed[one.listed][0]} has "
        f"{form(one.listed)}"
        for one in found[:_MOST_NAMED]
    ]
    more = f" and {len(found) - _MOST_NAMED:,} more" if len(found) > _MOST_NAMED else ""
    return "; ".join(parts) + more


def _with_kind(value: Value) -> str:
    return f"{_KINDS[value[0]]}{shown(value)}"
