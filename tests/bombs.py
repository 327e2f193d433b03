"""Pictures that cost far more to decode than their bytes let one expect."""

import struct
from io import BytesIO

from PIL import Image

from tests.fixtures import jpeg


def jpeg_of(side: int) -> bytes:
    """A small JPEG file that says it is side x side pixels."""
    content = jpeg(0)
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", side, side) + content[at + 4 :]


def exif(segments: int) -> bytes:
    """A JPEG file with so many EXIF segments, which PIL joins one by one."""
    content = jpeg(0)
    return content[:2] + b"\xff\xe1\0\x09Exif\0\0x" * segments + content[2:]


def scans(count: int) -> bytes:
    """A progressive JPEG file of 1,000 x 1,000 pixels whose last scan comes `count` times more."""
    sink = BytesIO()
    Image.new("L", (1000, 1000)).save(sink, "JPEG", progressive=True)
    content = sink.getvalue()
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * count + content[-2:]
