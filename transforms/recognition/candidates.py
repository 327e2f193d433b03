"""What a sample shows before the model sees it: its caption, its metadata, its decoded image."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.recognition import fields
from transforms.recognition.fields import text_at, values_at
from transforms.recognition.kinds import (
    CaptionRecogniser,
    Columns,
    MetadataRecogniser,
    built,
    failing,
)
from transforms.recognition.settings import needs_of, unanimous
from transforms.recognition.votes import NO_VOTES, NOTHING, Votes
from transforms.shards.samples import Reject, Sample

_LONGEST_REASON = 300

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sample that is to be labelled.

    votes: of its caption and metadata. utility: without the part of the similarity.
    pixels (height, width, 3) and tokens (context length,): empty where no model needs them.
    carried: what label tables hold of the metadata as it is, in the schema's order.
    """

    key: str
    offset: int
    size: int
    votes: Votes
    utility: float
    pixels: NDArray[np.uint8]
    tokens: NDArray[np.int64]
    mixed: bool = False
    carried: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """What the model sees in a sample: votes on the columns of images, and the similarity."""

    votes: Votes = NO_VOTES
    similarity: float | None = None


class CandidateReader:
    """Makes candidates of samples; `decode` and `tokenise` are the model's, where there is one."""

    def __init__(
        self,
        config: Config,
        decode: Callable[[bytes], NDArray[np.uint8]] | None = None,
        tokenise: Callable[[str], NDArray[np.int64]] | None = None,
    ) -> None:
        self._input = config.input
        self._utility = config.utility
        self._needs = needs_of(config)
        self._carried = schema_of(config).carried
        self._required = unanimous(config)
        self._decode = decode
        self._tokenise = tokenise if config.scores_similarity else None
        self._by_caption: dict[str, Callable[[str], Columns]] = built(config, CaptionRecogniser)
        self._by_metadata: dict[str, Callable[[dict[str, Any]], Columns]] = built(
            config, MetadataRecogniser
        )

    def read(self, sample: Sample) -> Candidate | Reject:
        """The candidate that `sample` is, or why it is none."""
        try:
            with _stage("metadata"):
                document = self.document(sample)
                carried = tuple(text_at(document, path) for path in self._carried)
                votes = self._recognised(self._by_metadata, document)
            with _stage("caption"):
                caption = self.caption(sample, document)
                votes |= self._recognised(self._by_caption, caption)
                tokens = self._tokenise(caption) if self._tokenise else np.empty(0, np.int64)
            with _stage("utility"):
                utility = self._utility_of(document)
            with _stage("image"):
                pixels = self._pixels(sample)
        except _UnusableError as unusable:
            return Reject(sample.key, unusable.stage, unusable.error)
        return Candidate(
            sample.key,
            sample.offset,
            sample.size,
            votes,
            utility,
            pixels,
            tokens,
            sample.mixed,
            carried,
        )

    def document(self, sample: Sample) -> dict[str, Any]:
        """The metadata, where the labels need it; ValueError where there is none."""
        if "metadata" not in self._needs:
            return {}
        return fields.parse(_member(sample, self._input.members.metadata, "metadata"))

    def caption(self, sample: Sample, document: dict[str, Any]) -> str:
        """The caption, where the labels need it; ValueError where there is none."""
        field = self._input.caption_field
        if "caption" not in self._needs:
            return ""
        if field is None:
            return _text(_member(sample, self._input.members.caption, "caption"))
        found = list(values_at(document, field))
        if len(found) != 1 or not isinstance(found[0], str):
            raise ValueError(f"the metadata field {field} does not hold one text")
        return _text(found[0].encode("utf-8", "surrogatepass"))

    def _utility_of(self, document: dict[str, Any]) -> float:
        field = self._utility.field
        if field is None:
            return self._utility.scale
        found = list(values_at(document, field))
        if len(found) != 1 or not isinstance(found[0], int | float) or isinstance(found[0], bool):
            raise ValueError(f"the metadata field {field} does not hold one number")
        try:
            utility = self._utility.scale * found[0]
        except OverflowError:
            utility = math.inf
        if not math.isfinite(utility) or utility < 0:
            raise ValueError(f"the metadata field {field} is not a finite number from 0 up")
        return utility

    def _pixels(self, sample: Sample) -> NDArray[np.uint8]:
        if self._decode is None:
            return np.empty((0, 0, 3), np.uint8)
        return self._decode(_member(sample, self._input.members.image, "image"))

    def _recognised(
        self, recognisers: Mapping[str, Callable[[Read], Columns]], read: Read
    ) -> Votes:
        """What the recognisers, by name, find in what is read of a sample."""
        votes = NO_VOTES
        for name, recognise in recognisers.items():
            with failing(name):
                votes |= Votes.of(recognise(read), self._required.get(name, NOTHING))
        return votes


class _UnusableError(Exception):
    def __init__(self, stage: str, error: str) -> None:
        super().__init__(error)
        self.stage = stage
        self.error = error


@contextmanager
def _stage(name: str) -> Iterator[None]:
    """What fails in the block is of the sample alone: of libraries, any of their exceptions."""
    try:
        yield
    except ValueError as error:
        raise _UnusableError(name, str(error)) from error
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST_REASON]
        raise _UnusableError(name, f"the {name} cannot be read: {reason}") from error


def _member(sample: Sample, extensions: Iterable[str], part: str) -> bytes:
    for extension in extensions:
        if (content := sample.members.get(extension.lower())) is not None:
            return content
    shown = ", ".join(f".{extension}" for extension in extensions)
    raise ValueError(f"has no {part} member ({shown})")


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("the caption is not UTF-8 text") from error
