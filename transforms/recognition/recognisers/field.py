"""`field`: values of a metadata field."""

from transforms.config.recognisers import RECOGNISERS
from transforms.recognition.fields import FieldMatch, Fields
from transforms.recognition.kinds import MetadataRecogniser

RECOGNISERS.register(
    MetadataRecogniser(
        name="field",
        about="a metadata field that equals, or lists, one of some values",
        form=FieldMatch,
        original=True,
        terms=lambda match: map(str, match.values),
        build=lambda matches, config: Fields(matches).columns,
    )
)
