"""Decoding: the pixels of open_clip's own transform, and a clause for all that is no image."""

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from transforms.recognition.decoding import Decoder, _count
from transforms.recognition.image_kinds import EXTENSIONS, asked_for

SIDE = 32


def _shape(image: Image.Image, resize_mode: str = "shortest") -> Image.Image:
    settings = PreprocessCfg(size=SIDE, resize_mode=resize_mode)
    for step in image_transform_v2(settings, is_train=False).transforms[:-2]:
        image = step(image)
    return image


def _picture(width: int, height: int) -> Image.Image:
    """Waves of colour with some grain."""
    y, x = np.mgrid[0:height, 0:width] / SIDE
    waves = [np.sin(3 * x + y), np.cos(2 * y), np.sin(x * y / 20)]
    grain = np.random.default_rng(0).normal(0, 0.05, (height, width, 3))
    return Image.fromarray(np.uint8(np.clip(128 + 100 * (np.stack(waves, -1) + grain), 0, 255)))


def _file(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def _decode(
    content: bytes, max_pixels: int = 1_000_000, asked: tuple[str, ...] = ()
) -> NDArray[np.uint8]:
    return Decoder(_shape, SIDE, max_pixels, asked).decode(content)


PICTURE = _picture(60, 45)
FILES = {
    "jpeg": _file(PICTURE, "JPEG"),
    "progressive jpeg": _file(PICTURE, "JPEG", progressive=True),
    "gray jpeg": _file(PICTURE.convert("L"), "JPEG"),
    "cmyk jpeg": _file(PICTURE.convert("CMYK"), "JPEG"),
    "png": _file(PICTURE, "PNG"),
    "transparent png": _file(PICTURE.convert("RGBA").rotate(20), "PNG"),
    "palette png": _file(PICTURE.convert("P"), "PNG"),
    "black and white png": _file(PICTURE.convert("1"), "PNG"),
    "webp": _file(PICTURE, "WEBP"),
    "animated webp": _file(PICTURE, "WEBP", save_all=True, append_images=[PICTURE.rotate(90)]),
    "gif": _file(PICTURE, "GIF"),
    "animated gif": _file(PICTURE, "GIF", save_all=True, append_images=[PICTURE.rotate(90)]),
    "avif": _file(PICTURE, "AVIF"),
    "bmp": _file(PICTURE, "BMP"),
    "tiff": _file(PICTURE, "TIFF"),
    "tiff of jpeg": _file(PICTURE, "TIFF", compression="jpeg"),
    "very small": _file(PICTURE.resize((2, 3)), "PNG"),
}


@pytest.mark.parametrize("name", FILES)
def test_pixels_are_those_of_open_clips_own_transform(name: str) -> None:
    expected = np.asarray(_shape(Image.open(io.BytesIO(FILES[name]))))
    pixels = _decode(FILES[name], asked=asked_for(EXTENSIONS))
    assert pixels.shape == (SIDE, SIDE, 3)
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, expected)


@pytest.mark.parametrize(
    ("width", "height", "largest"),
    [(800, 600, 4), (300, 300, 2), (260, 200, 2), (512, 530, 2), (513, 513, 0), (126, 126, 0)],
)
@pytest.mark.parametrize("progressive", [False, True])
def test_large_jpegs_are_decoded_smaller_within_a_few_levels(
    width: int, height: int, largest: int, progressive: bool
) -> None:
    content = _file(_picture(width, height), "JPEG", quality=90, progressive=progressive)
    expected = np.asarray(_shape(Image.open(io.BytesIO(content))))
    difference = np.abs(_decode(content).astype(int) - expected)
    assert difference.max() <= largest
    assert (difference.mean() > 0) == (largest > 0)


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is large, and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "the image is empty"),
        (b"not an image", "not a JPEG, PNG or WebP file"),
        (_file(PICTURE, "GIF"), "not a JPEG, PNG or WebP file"),
        (_file(PICTURE, "TIFF"), "not a JPEG, PNG or WebP file"),
        (FILES["jpeg"][:-200], "cannot be decoded: .*truncated"),
        (FILES["png"][:-200], "cannot be decoded"),
        (FILES["webp"][:-200], "cannot be decoded"),
        (FILES["jpeg"][:30], "cannot be decoded"),
        (b"\xff\xd8\xff" + b"\0" * 100, "cannot be decoded"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 100, "cannot be decoded"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "cannot be decoded"),
        (png_header(20_000, 20_000), "has 400,000,000 pixels, more than limits.max_pixels"),
        (png_header(1, 900_000), "of 1 x 900,000 pixels is too long and thin"),
    ],
)
def test_what_is_no_image_is_said_so(content: bytes, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        _decode(content)


def test_a_kind_is_read_where_an_extension_asks_for_it() -> None:
    assert asked_for(("jpg", "png", "jpeg", "webp", "jfif")) == ()
    assert asked_for(("jpg", "GIF", "left.tif", "tiff")) == ("GIF", "TIFF")
    for extension, name in {"gif": "GIF", "avif": "AVIF", "bmp": "BMP", "tif": "TIFF"}.items():
        content = _file(PICTURE, name)
        said = f"WebP file but, by its beginning, {name}: name {extension} in input.members.image"
        with pytest.raises(ValueError, match=said):
            _decode(content, asked=tuple({"GIF", "AVIF", "BMP", "TIFF"} - {name}))
        assert _decode(content, asked=asked_for((extension,))).shape == (SIDE, SIDE, 3)


def test_scans_inside_of_tiff_files_are_counted() -> None:
    content = _file(PICTURE, "TIFF", compression="jpeg") + b"\xff\xda" * 40
    with pytest.raises(ValueError, match=r"of 60 x 45 pixels has 4\d scans"):
        _decode(content, max_pixels=60 * 45, asked=("TIFF",))


@pytest.mark.filterwarnings("error")
def test_the_only_limit_on_pixels_is_ours() -> None:
    """Pillow's own limit would warn at 90 million pixels, and fail at 180 million."""
    with pytest.raises(ValueError, match="cannot be decoded"):
        _decode(png_header(13_400, 13_400), max_pixels=10**9)
    assert _decode(FILES["png"], max_pixels=60 * 45).shape == (SIDE, SIDE, 3)
    with pytest.raises(ValueError, match=r"has 2,700 pixels"):
        _decode(FILES["png"], max_pixels=60 * 45 - 1)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 1000, 1001])
def test_pairs_of_bytes_are_counted_wherever_they_begin(length: int) -> None:
    drawn = np.random.default_rng(length).choice([0xFF, 0xDA, 0xD8], length)
    content = drawn.astype(np.uint8).tobytes()
    assert _count(b"\xff\xda", content) == content.count(b"\xff\xda")
