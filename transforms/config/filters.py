"""The quality filter: what samples must meet to take part in balancing."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from transforms.config.conditions import Condition, in_digits
from transforms.config.forms import Section
from transforms.config.tables import TableColumn

MIN_SIMILARITY = "min_similarity"
_SIMILARITY, _FIELD, _COLUMN = "[similarity]", "[field]", "[column]"
_EXAMPLES = "{min_similarity: 0.2} and {field: punsafe, below: 0.5}"
_BOUNDS = {"at_least": "at least", "above": "above", "at_most": "at most", "below": "below"}
_MOST_VALUES = 3
_LONGEST = 40


class SimilarityFilter(Section):
    """The least similarity of image and caption."""

    min_similarity: float = Field(ge=-1, le=1)

    @property
    def name(self) -> str:
        """As reports call it."""
        return MIN_SIMILARITY


class FieldFilter(Condition):
    """A condition on the metadata field at `field`, whose dots descend."""

    field: str = Field(min_length=1)

    @property
    def name(self) -> str:
        """As reports call it: `punsafe below 0.5`."""
        return f"{self.field} {in_words(self)}"


class ColumnFilter(Condition):
    """A condition on what the rows of a sample have in a column of a table."""

    column: TableColumn

    @property
    def name(self) -> str:
        """As reports call it: `scores.punsafe below 0.5`."""
        return f"{self.column.table}.{self.column.name} {in_words(self)}"


OneFilter = SimilarityFilter | FieldFilter | ColumnFilter


def in_words(condition: Condition) -> str:
    """What must hold of a value, as a sentence goes on after its name."""
    parts = [
        f"{words} {in_digits(bound)}"
        for key, words in _BOUNDS.items()
        if (bound := getattr(condition, key)) is not None
    ]
    if condition.values:
        parts.append(f"is {_listed(condition.values)}")
    if condition.matches:
        parts.append(f"matches {_listed(condition.matches)}")
    if condition.present is not None:
        parts.append("present" if condition.present else "missing")
    if condition.not_ is not None:
        parts.append(f"not ({in_words(condition.not_)})")
    return " and ".join(parts)


def _listed(values: tuple[Any, ...]) -> str:
    shown = [_short(_shown(value)) for value in values[:_MOST_VALUES]]
    more = len(values) - _MOST_VALUES
    return " or ".join([*shown, f"{more:,} more"] if more > 0 else shown)


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _form_of(values: Any) -> str:
    if isinstance(values, Mapping):
        if "column" in values:
            return _COLUMN
        of_a_value = {"field", "not", *Condition.model_fields} & {*values}
        return _FIELD if of_a_value else _SIMILARITY
    if isinstance(values, ColumnFilter):
        return _COLUMN
    return _FIELD if isinstance(values, FieldFilter) else _SIMILARITY


AnyFilter = Annotated[
    Annotated[SimilarityFilter, Tag(_SIMILARITY)]
    | Annotated[FieldFilter, Tag(_FIELD)]
    | Annotated[ColumnFilter, Tag(_COLUMN)],
    Discriminator(_form_of),
]
_ONE: TypeAdapter[OneFilter] = TypeAdapter(AnyFilter)
FORMS = {_SIMILARITY, _FIELD, _COLUMN}


def _one_or_more(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """The conditions: one that stands alone is a list of it, null is none."""
    if value is None:
        return ()
    several = value if isinstance(value, list | tuple) else [value]
    odd = [one for one in several if not isinstance(one, Mapping | Section)]
    if odd:
        raise ValueError(f"should be conditions, as {_EXAMPLES}, not {odd[0]!r}")
    if any(_is_two(one) for one in several):
        raise ValueError(f"{MIN_SIMILARITY} is a condition of its own: give a list of {_EXAMPLES}")
    return (_ONE.validate_python(value),) if isinstance(value, Mapping) else read(value)


def _is_two(value: Any) -> bool:
    """Whether a condition asks for a similarity, and for something else."""
    return isinstance(value, Mapping) and MIN_SIMILARITY in value and _form_of(value) != _SIMILARITY


def _as_given(conditions: tuple[OneFilter, ...]) -> Any:
    """As it has always been dumped: a least similarity alone is a mapping, no filter is null."""
    dumped = [one.model_dump(mode="json") for one in conditions]
    alone = len(conditions) == 1 and isinstance(conditions[0], SimilarityFilter)
    return dumped[0] if alone else dumped or None


Filters = Annotated[tuple[AnyFilter, ...], WrapValidator(_one_or_more), PlainSerializer(_as_given)]
