"""`field`: conditions on a metadata field."""

from transforms.config.recognisers import RECOGNISERS
from transforms.recognition.fields import FieldMatch, Fields
from transforms.recognition.kinds import MetadataRecogniser

RECOGNISERS.register(
    MetadataRecogniser(
        name="field",
        about="a metadata field by its value: one of some, within bounds, matching a pattern",
        form=FieldMatch,
        original=True,
        terms=lambda match: map(str, match.values),
        build=lambda matches, config: Fields(matches).columns,
    )
)
