"""`field`: values of a metadata field."""

from transforms.config.recognisers import RECOGNISERS
from transforms.recognition.field_observations import observe_fields
from transforms.recognition.field_values import shown
from transforms.recognition.fields import FieldMatch, Fields, typed
from transforms.recognition.kinds import MetadataRecogniser

RECOGNISERS.register(
    MetadataRecogniser(
        name="field",
        about="a metadata field that equals, or lists, one of some values",
        form=FieldMatch,
        original=True,
        terms=lambda match: map(str, match.values),
        marks=lambda match: (f"{match.path}: {shown(typed(value))}" for value in match.values),
        observe=observe_fields,
        build=lambda matches, config: Fields(matches).columns,
    )
)
