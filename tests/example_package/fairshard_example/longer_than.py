"""`longer_than`: captions of more words than a number."""

from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import Field

from transforms.config.sections import Config
from transforms.recognition.kinds import CaptionRecogniser


def _build(limits: Mapping[int, int], config: Config) -> Callable[[str], set[int]]:
    def recognise(caption: str) -> set[int]:
        words = len(caption.split())
        return {column for column, limit in limits.items() if words > limit}

    return recognise


LONGER_THAN = CaptionRecogniser(
    name="longer_than",
    about="a caption of more words than this",
    form=Annotated[int, Field(ge=0)],
    build=_build,
)
