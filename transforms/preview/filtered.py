"""What the quality filter would take of the samples that a preview reads."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from transforms.base.counts import counted
from transforms.config.filters import (
    MIN_SIMILARITY,
    ColumnFilter,
    FieldFilter,
    OneFilter,
    SimilarityFilter,
)
from transforms.config.observations import Cell, Observation
from transforms.config.sections import Config
from transforms.preview.reading import SeenSample
from transforms.recognition.conditions import Predicate, is_there
from transforms.recognition.field_observations import on_absence
from transforms.recognition.field_values import FieldValues
from transforms.recognition.fields import FieldMatch, values_at


def filtered_by(config: Config) -> str:
    """What takes samples, as sentences call it."""
    alone = [one.name for one in config.filter] == [MIN_SIMILARITY]
    return f"filter.{MIN_SIMILARITY}" if alone else "the filter"


def filtered(config: Config, seen: Sequence[SeenSample]) -> int:
    """How many samples the conditions of the filter would take together."""
    return sum(map(any, zip(*_taken(config, seen), strict=True)))


def observe_filter(config: Config, seen: Sequence[SeenSample]) -> Iterator[Observation]:
    """What each condition would take, where one is on more than similarity, and what to mend."""
    if not seen or all(isinstance(one, SimilarityFilter) for one in config.filter):
        return
    documents = [sample.document for sample in seen]
    absent = [
        on_absence(_values(one, documents))
        for one in config.filter
        if isinstance(one, FieldFilter)
        and one.present is not False
        and _lack(one, seen) == len(seen)
    ]
    rows: list[Mapping[str, Cell]] = [
        {"condition": one.name, "takes": sum(taken), "without a value": _lack(one, seen)}
        for one, taken in zip(config.filter, _taken(config, seen), strict=True)
    ]
    title = f"filter, of {counted(len(seen), 'sample')}"
    yield Observation(title, tuple(rows), tuple(f"filter: {one}" for one in absent))


def _taken(config: Config, seen: Sequence[SeenSample]) -> Iterator[list[bool]]:
    """The samples that each condition takes."""
    for one in config.filter:
        if isinstance(one, SimilarityFilter):
            least = one.min_similarity
            yield [each.similarity is not None and each.similarity < least for each in seen]
        else:
            holds = Predicate(one).holds
            yield [not holds(_found(one, sample)) for sample in seen]


def _lack(condition: OneFilter, seen: Sequence[SeenSample]) -> int:
    """How many samples have no value where a condition looks."""
    if isinstance(condition, SimilarityFilter):
        return 0
    return sum(not any(map(is_there, _found(condition, sample))) for sample in seen)


def _found(condition: FieldFilter | ColumnFilter, sample: SeenSample) -> Sequence[Any]:
    if isinstance(condition, FieldFilter):
        return list(values_at(sample.document, condition.field))
    return sample.joined[condition.column]


def _values(condition: FieldFilter, documents: Sequence[Mapping[str, Any]]) -> FieldValues:
    asked = condition.model_dump()
    path = asked.pop("field")
    match = FieldMatch.model_validate({**asked, "path": path})
    return FieldValues.of(condition.field, {condition.name: match}, documents)
