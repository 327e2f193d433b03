"""What the beginning of a file that is no tar shows it to be, and which compression one has."""

import re
from typing import Literal

Compression = Literal["", "gzip", "zstd"]

MAGIC_BYTES = 4
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
_REPACK = "decompress it: tars are read plain, or compressed with gzip or zstd"
_RESTORE = "what a failed download leaves"
_MAGIC = (
    (b"BZh", f"it is compressed with bzip2, which is not read: {_REPACK}"),
    (b"\xfd7zXZ\0", f"it is compressed with xz, which is not read: {_REPACK}"),
    (b"\x04\x22\x4d\x18", f"it is compressed with lz4, which is not read: {_REPACK}"),
    (b"PK\x03\x04", "it is a ZIP archive: pack its files as a tar"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive: pack its files as a tar"),
    (b"Rar!", "it is a RAR archive: pack its files as a tar"),
    (b"PAR1", "it is a Parquet file, no tar"),
    (b"version https://git-lfs", "it is a Git LFS pointer: fetch the file that it stands for"),
    (b"\xff\xd8\xff", "it is a JPEG picture, no tar"),
    (b"\x89PNG", "it is a PNG picture, no tar"),
    (b"\xff\xfe", f"it is a text in UTF-16, {_RESTORE}"),
    (b"\xfe\xff", f"it is a text in UTF-16, {_RESTORE}"),
)
_WITHOUT_A_NUL = 107
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_MARKUP = (
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<head", "an HTML page"),
    (b"<body", "an HTML page"),
    (b"<title", "an HTML page"),
    (b"<?xml", "an XML document"),
    (b"<", "an XML document"),
    (b"{", "a JSON document"),
    (b"[", "a JSON document"),
)


def compression_by(beginning: bytes) -> Compression:
    """The compression of a file that begins so, whatever its name; "" where it has none known."""
    if beginning.startswith(_GZIP):
        return "gzip"
    skippable = beginning[1:4] == _ZSTD_SKIPPABLE and 0x50 <= beginning[0] <= 0x5F
    return "zstd" if beginning.startswith(_ZSTD) or skippable else ""


def no_tar(beginning: bytes) -> str | None:
    """What a file whose first bytes are no tar header seems to be, in words; None if unknown."""
    for magic, said in _MAGIC:
        if beginning.startswith(magic):
            return said
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, kind in _MARKUP:
        if text.startswith(start):
            return f"it is {kind}, {_RESTORE}"
    if not text or _NOT_IN_TEXT.search(text):
        return None
    either = "a text" if len(beginning) > _WITHOUT_A_NUL else "a text, or a tar cut short"
    return f"it is {either}, {_RESTORE}"
