"""Kinds of image files, told by their first bytes, and which of them a configuration has read.

JPEG, PNG and WebP files are always read, whatever their extension; others where `members.image`
names an extension of theirs.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

_AVIF = (b"avif", b"avis", b"mif1", b"msf1")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ALWAYS = ("JPEG", "PNG", "WebP")
_NO_OTHER = "the image is not a JPEG, PNG or WebP file"


@dataclass(frozen=True)
class ImageKind:
    """A kind of image file, how its content begins, and the extensions that it has."""

    name: str
    begins: Callable[[bytes], bool]
    extensions: tuple[str, ...]

    @property
    def is_always_read(self) -> bool:
        """Whether no extension needs to ask for it."""
        return self.name in _ALWAYS


_KINDS = (
    ImageKind("JPEG", lambda content: content.startswith(b"\xff\xd8\xff"), ("jpg", "jpeg")),
    ImageKind("PNG", lambda content: content.startswith(b"\x89PNG\r\n\x1a\n"), ("png",)),
    ImageKind(
        "WebP",
        lambda content: content.startswith(b"RIFF") and content[8:12] == b"WEBP",
        ("webp",),
    ),
    ImageKind("GIF", lambda content: content.startswith((b"GIF87a", b"GIF89a")), ("gif",)),
    ImageKind(
        "AVIF",
        lambda content: content[4:8] == b"ftyp" and content[8:12] in _AVIF,
        ("avif",),
    ),
    ImageKind("BMP", lambda content: content.startswith(b"BM"), ("bmp",)),
    ImageKind("TIFF", lambda content: content.startswith(_TIFF), ("tif", "tiff")),
)
EXTENSIONS = tuple(extension for kind in _KINDS for extension in kind.extensions)
"""The extensions of all kinds that can be read."""


def asked_for(extensions: Iterable[str]) -> tuple[str, ...]:
    """The kinds that some extensions of `members.image` ask for, beside those always read."""
    last = {extension.lower().rpartition(".")[2] for extension in extensions}
    return tuple(
        kind.name
        for kind in _KINDS
        if not kind.is_always_read and not last.isdisjoint(kind.extensions)
    )


def kind_of(content: bytes, asked: Collection[str]) -> str:
    """The kind of an image file; ValueError, in one clause, where it is none that is read.

    `asked`: kinds to be read beside those that always are.
    """
    kind = next((kind for kind in _KINDS if kind.begins(content)), None)
    if kind is None:
        raise ValueError(_NO_OTHER)
    if not kind.is_always_read and kind.name not in asked:
        raise ValueError(
            f"{_NO_OTHER} but, by its beginning, {kind.name}: name {kind.extensions[0]} in "
            "input.members.image to have it read"
        )
    return kind.name
