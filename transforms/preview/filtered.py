"""What the quality filter would take of the samples that a preview reads."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from transforms.base.counts import counted
from transforms.config.filters import MIN_SIMILARITY, ColumnFilter, FieldFilter
from transforms.config.observations import Cell, Observation
from transforms.config.sections import Config
from transforms.preview.reading import SeenSample
from transforms.recognition.conditions import Predicate
from transforms.recognition.field_observations import on_absence
from transforms.recognition.field_values import FieldValues
from transforms.recognition.fields import FieldMatch, values_at


def filtered_by(config: Config) -> str:
    """What takes samples, as sentences call it."""
    alone = [one.name for one in config.filter] == [MIN_SIMILARITY]
    return f"filter.{MIN_SIMILARITY}" if alone else "the filter"


def filtered(config: Config, seen: Sequence[SeenSample]) -> int:
    """How many samples the conditions of the filter would take together, tables' left aside."""
    return sum(map(any, zip(*_taken(config, seen), strict=True)))


def observe_filter(config: Config, seen: Sequence[SeenSample]) -> Iterator[Observation]:
    """What each condition would take, where one is on a metadata field, and what to mend."""
    fields = [one for one in config.filter if isinstance(one, FieldFilter)]
    if not fields or not seen:
        return
    documents = [sample.document for sample in seen]
    present = {one.field: _values(one, documents).present for one in fields}
    rows: list[Mapping[str, Cell]] = [
        {
            "condition": one.name,
            "takes": sum(taken),
            "without a value": len(seen) - present[one.field]
            if isinstance(one, FieldFilter)
            else 0,
        }
        for one, taken in zip(config.filter, _taken(config, seen), strict=True)
        if not isinstance(one, ColumnFilter)
    ]
    advice = tuple(
        f"filter: {on_absence(_values(one, documents))}"
        for one in fields
        if not present[one.field] and one.present is not False
    )
    yield Observation(f"filter, of {counted(len(seen), 'sample')}", tuple(rows), advice)


def _taken(config: Config, seen: Sequence[SeenSample]) -> Iterator[list[bool]]:
    """The samples that each condition takes; of those on tables, which are not joined, none."""
    for one in config.filter:
        if isinstance(one, FieldFilter):
            holds, path = Predicate(one).holds, one.field
            yield [not holds(list(values_at(sample.document, path))) for sample in seen]
        elif isinstance(one, ColumnFilter):
            yield [False] * len(seen)
        else:
            least = one.min_similarity
            yield [each.similarity is not None and each.similarity < least for each in seen]


def _values(condition: FieldFilter, documents: Sequence[Mapping[str, Any]]) -> FieldValues:
    asked = condition.model_dump()
    path = asked.pop("field")
    match = FieldMatch.model_validate({**asked, "path": path})
    return FieldValues.of(condition.field, {condition.name: match}, documents)
