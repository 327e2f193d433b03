"""`field`: conditions on a metadata field."""

from collections.abc import Iterator

from transforms.config.recognisers import RECOGNISERS
from transforms.recognition.conditions import typed
from transforms.recognition.field_observations import observe_fields
from transforms.recognition.field_values import shown
from transforms.recognition.fields import FieldMatch, Fields
from transforms.recognition.kinds import MetadataRecogniser


def _marks(match: FieldMatch) -> Iterator[str]:
    if match.lists_values:
        yield from (f"{match.path}: {shown(typed(value))}" for value in match.values)
    else:
        yield match.model_dump_json()


RECOGNISERS.register(
    MetadataRecogniser(
        name="field",
        about="a metadata field by its value: one of some, within bounds, matching a pattern",
        form=FieldMatch,
        original=True,
        terms=lambda match: map(str, match.values),
        marks=_marks,
        observe=observe_fields,
        build=lambda matches, config: Fields(matches).columns,
    )
)
