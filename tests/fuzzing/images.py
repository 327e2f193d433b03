"""Images: files of each kind, whole, broken, and larger than they seem."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from transforms.recognition.decoding import Decoder
from transforms.recognition.image_kinds import EXTENSIONS, asked_for

_SIDE = 32
_MOST_PIXELS = 1_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_DECODER = Decoder(
    lambda image: image.convert("RGB").resize((_SIDE, _SIDE)),
    _SIDE,
    max_pixels=_MOST_PIXELS,
    asked=asked_for(EXTENSIONS),
)


def seeds() -> list[bytes]:
    """Pictures of each format and mode, still and moving, with EXIF."""
    grain = np.random.default_rng(0).integers(0, 256, (24, 40, 4), dtype=np.uint8)
    picture = Image.fromarray(grain)
    exif = Image.Exif()
    exif[0x0112], exif[0x011A], exif[0x9286] = 6, 72.0, b"ASCII\0\0\0x"

    def saved(form: str, mode: str = "RGB", **options: object) -> bytes:
        sink = io.BytesIO()
        picture.convert(mode).save(sink, form, **options)
        return sink.getvalue()

    moving = {"save_all": True, "append_images": [picture.convert("RGB").rotate(90)]}
    return [
        saved("JPEG"),
        saved("JPEG", progressive=True, exif=exif),
        saved("JPEG", "L"),
        saved("JPEG", "CMYK"),
        saved("PNG"),
        saved("PNG", "RGBA"),
        saved("PNG", "P"),
        saved("PNG", "1"),
        saved("PNG", "I;16"),
        saved("PNG", exif=exif, **moving),
        saved("WEBP"),
        saved("WEBP", "RGBA", lossless=True, exif=exif),
        saved("WEBP", **moving),
        saved("GIF", "P"),
        saved("GIF", **moving),
        saved("AVIF"),
        saved("BMP"),
        saved("BMP", "P"),
        saved("TIFF"),
        saved("TIFF", compression="jpeg"),
        saved("TIFF", "RGBA", compression="tiff_lzw"),
        saved("TIFF", "1", compression="group4"),
    ]


def check(content: bytes) -> None:
    """Decode `content`: as it is and, of a PNG file, with the checksums that it should have."""
    _check(content)
    if content.startswith(_PNG):
        _check(_with_checksums(content))


def _check(content: bytes) -> None:
    try:
        pixels = _DECODER.decode(content)
    except ValueError as error:
        assert "\n" not in str(error)
        assert "memory" not in str(error).lower()
        return
    assert pixels.shape == (_SIDE, _SIDE, 3)
    assert pixels.dtype == np.uint8


def _with_checksums(content: bytes) -> bytes:
    parts, at = [_PNG], len(_PNG)
    while at + 12 <= len(content):
        (size,) = struct.unpack_from(">I", content, at)
        chunk = content[at + 4 : at + 8 + size]
        parts.append(struct.pack(">I", size) + chunk + struct.pack(">I", zlib.crc32(chunk)))
        at += 12 + size
    return b"".join(parts)
