"""What pages show of single samples: a small picture, and the start of the caption."""

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps

from transforms.base.errors import FairshardError
from transforms.base.redaction import redacted
from transforms.config.sections import Config
from transforms.recognition.decoding import Decoder
from transforms.recognition.fields import parse, values_at
from transforms.recognition.image_kinds import asked_for
from transforms.shards.locations import Location, read_again
from transforms.shards.samples import Sample

_SIDE = 160
_QUALITY = 72
_MOST_CAPTION = 180


@dataclass(frozen=True)
class Thumbnail:
    """image is a data: URI, or "" where `problem` says why there is none."""

    image: str
    caption: str
    problem: str


class Thumbnails:
    """Makes thumbnails of a corpus; `options` are those of its shards' file system."""

    def __init__(self, config: Config, options: Mapping[str, Any]) -> None:
        self._source = config.input
        self._options = options
        asked = asked_for(config.input.members.image)
        self._decoder = Decoder(_small, _SIDE, config.input.limits.max_pixels, asked)

    def of(self, where: Location) -> Thumbnail:
        """The thumbnail of the sample that lies there."""
        if self._source.tables:
            return Thumbnail("", "", "tables hold no images")
        try:
            sample = read_again(where, self._source, self._options)
        except FairshardError as error:
            return Thumbnail("", "", str(error))
        except Exception:  # storage libraries raise exceptions of their own
            return Thumbnail("", "", f"the shard {redacted(where.shard.url)} cannot be read")
        caption = self._caption(sample)
        try:
            return Thumbnail(self._image(sample), caption, "")
        except ValueError as error:
            return Thumbnail("", caption, str(error))

    def _caption(self, sample: Sample) -> str:
        """The start of the caption as text; "" where there is none."""
        source = self._source
        field = source.caption_in_metadata
        if field is None:
            content = _first(sample, source.members.caption) or b""
            return shortened(content.decode("utf-8", "replace"))
        try:
            document = parse(_first(sample, source.members.metadata) or b"{}")
        except ValueError:
            return ""
        return shortened(str(next(values_at(document, field), "")))

    def _image(self, sample: Sample) -> str:
        """The image, made small and encoded anew, as a data: URI; ValueError where none is."""
        content = _first(sample, self._source.members.image)
        if content is None:
            raise ValueError("it has no image")
        sink = io.BytesIO()
        Image.fromarray(self._decoder.decode(content)).save(sink, "JPEG", quality=_QUALITY)
        return f"data:image/jpeg;base64,{base64.b64encode(sink.getvalue()).decode()}"


def shortened(text: str) -> str:
    """The start of a text, in one line."""
    text = " ".join(text.split())
    return text if len(text) <= _MOST_CAPTION else text[: _MOST_CAPTION - 1] + "…"


def _first(sample: Sample, extensions: Iterable[str]) -> bytes | None:
    found = (sample.members.get(extension.lower()) for extension in extensions)
    return next((content for content in found if content is not None), None)


def _small(image: Image.Image) -> Image.Image:
    return ImageOps.contain(image.convert("RGB"), (_SIDE, _SIDE))
