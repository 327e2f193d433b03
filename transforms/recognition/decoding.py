"""Images: from a file to the pixels that a model takes."""

import io
import sys
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
from numpy.typing import NDArray
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.Image import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from transforms.base.errors import reason_of
from transforms.recognition.image_kinds import kind_of

_LARGE = 8_000_000
_REDUCING_GAP = 2
_SCAN = b"\xff\xda"
_MOST_SCANS = 30
_EXIF, _ITS_START = b"Exif\0\0", b"Ex"
_MOST_EXIF = 100


class Decoder:
    """Decodes images for a model; one decoder serves many threads.

    `shape` makes an image RGB and of the model's size (height, width), `side` is the longer of the
    two. JPEG files are decoded at 1/8, 1/4 or 1/2 where that divides their size evenly and leaves
    at least twice `side`: 2.5 times faster, and pixels differ by a few of 255 levels. Pixels are
    counted in the file's header, before anything is decoded; where over 8 million must be held at
    once, one thread does it for all, so that memory grows with one such image and not with the
    threads. A JPEG file, or one inside a TIFF file, may have 30 scans of `max_pixels`, or more of
    fewer: each is decoded. `asked`: kinds of files that are read beside those that always are.
    """

    def __init__(
        self,
        shape: Callable[[Image], Image | NDArray[np.uint8]],
        side: int,
        max_pixels: int,
        asked: Collection[str] = (),
    ) -> None:
        self._shape = shape
        self._side = side
        self._max_pixels = max_pixels
        self._asked = asked
        self._large = ThreadPoolExecutor(1)

    def decode(self, content: bytes) -> NDArray[np.uint8]:
        """The pixels (height, width, 3); ValueError, in one clause, where there are none.

        EXIF orientation is ignored, and of an animation only the first frame is taken, as
        open_clip does.
        """
        image = _opened(content, self._asked)
        has_scans = isinstance(image, JpegImageFile) or image.info.get("compression") == "jpeg"
        scans = _count(_SCAN, content) if has_scans else 1
        self._check(image.size, scans)
        whole = image.size
        try:
            if isinstance(image, JpegImageFile) and (scale := self._scale(whole)) > 1:
                image.draft(None, (whole[0] // scale, whole[1] // scale))
            held_whole = "progressive" in image.info or scans > 2
            width, height = whole if held_whole else image.size
            if width * height <= _LARGE:
                return self._pixels(image)
            return self._large.submit(self._pixels, image).result()
        except Exception as error:
            raise ValueError(f"the image cannot be decoded: {reason_of(error)}") from error

    def _check(self, size: tuple[int, int], scans: int) -> None:
        width, height = size
        if width * height > self._max_pixels:
            raise ValueError(
                f"the image has {width * height:,} pixels, more than limits.max_pixels = "
                f"{self._max_pixels:,}"
            )
        if scans * width * height > _MOST_SCANS * self._max_pixels:
            raise ValueError(f"the image of {width:,} x {height:,} pixels has {scans:,} scans")
        if self._side**2 * max(size) > self._max_pixels * min(size):
            raise ValueError(f"the image of {width:,} x {height:,} pixels is too long and thin")

    def _scale(self, size: tuple[int, int]) -> int:
        """By what a JPEG file of `size` is to be decoded smaller."""
        least = _REDUCING_GAP * self._side
        fitting = (
            scale
            for scale in (8, 4, 2)
            if all(length % scale == 0 and length >= least * scale for length in size)
        )
        return next(fitting, 1)

    def _pixels(self, image: ImageFile) -> NDArray[np.uint8]:
        with closing(image):
            return np.asarray(self._shape(image))


class _StillPng(PngImageFile):
    """A PNG file as if it did not move: PIL draws on a whole frame while it opens one that does."""

    def _seek(self, frame: int, rewind: bool = False) -> None:
        self._prev_im = None


_FORMS: dict[str, type[ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": _StillPng,
    "WebP": WebPImageFile,
    "GIF": GifImageFile,
    "AVIF": AvifImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
}


def _opened(content: bytes, asked: Collection[str]) -> ImageFile:
    """The image with its header read, without PIL's global checks and warnings."""
    if not content:
        raise ValueError("the image is empty")
    form = _FORMS[kind_of(content, asked)]
    if form is JpegImageFile and _has_many_exif(content):
        raise ValueError(f"the image has more than {_MOST_EXIF} EXIF segments")
    try:
        return form(io.BytesIO(content))
    except Exception as error:
        raise ValueError(f"the image cannot be decoded: {reason_of(error)}") from error


def _has_many_exif(content: bytes) -> bool:
    return _count(_ITS_START, content) > _MOST_EXIF and content.count(_EXIF) > _MOST_EXIF


def _count(pair: bytes, content: bytes) -> int:
    """How often two different bytes follow each other: `bytes.count`, five times as fast.

    Python's lock, for which other threads wait meanwhile, is free.
    """
    wanted = int.from_bytes(pair, sys.byteorder)
    whole = memoryview(content)
    evenly = (part[: len(part) // 2 * 2] for part in (whole, whole[1:]))
    words = (np.frombuffer(part, np.uint16) for part in evenly)
    return sum(int(np.count_nonzero(of_part == wanted)) for of_part in words)
