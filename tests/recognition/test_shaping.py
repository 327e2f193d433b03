"""Shaping: pictures as open_clip's own transform makes them, to within 2 of 255 levels."""

import io
import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
import torch
import xxhash
from numpy.typing import NDArray
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from transforms.recognition.decoding import Decoder
from transforms.recognition.shaping import Shaping

SIZES = [(384, 384), (640, 427), (333, 500), (31, 700), (224, 225), (300, 224), (50, 40), (1, 1)]


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Waves of colour, edges and grain."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 120 * np.sin(x / 9 + y / 31), (x * y) % 256, 255 * ((x // 16 + y // 16) % 2)]
    grain = np.random.default_rng(0).normal(0, 12, (height, width, 3))
    return Image.fromarray(np.uint8(np.clip(np.stack(waves, -1) + grain, 0, 255))).convert(mode)


def by_open_clip(image: Image.Image, settings: PreprocessCfg) -> NDArray[np.uint8]:
    for step in image_transform_v2(settings, is_train=False).transforms[:-2]:
        image = step(image)
    return np.asarray(image)


@pytest.mark.parametrize(
    "settings",
    [
        PreprocessCfg(size=224),
        PreprocessCfg(size=(224, 224), interpolation="bilinear"),
        PreprocessCfg(size=224, resize_mode="squash"),
        PreprocessCfg(size=(96, 160), resize_mode="squash"),
    ],
    ids=["shortest", "bilinear", "squash", "squash to a rectangle"],
)
@pytest.mark.parametrize("size", SIZES)
def test_rgb_pictures_are_those_of_open_clip_but_for_rounding(
    size: tuple[int, int], settings: PreprocessCfg
) -> None:
    image = picture(*size)
    expected = by_open_clip(image, settings)
    pixels = Shaping(settings)(image)
    assert pixels.shape == expected.shape
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    differences = np.abs(pixels.astype(int) - expected)
    assert differences.max() <= 2
    assert (differences > 0).mean() < 0.02
    assert (differences > 1).mean() < 1e-4


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "1", "I;16", "F"])
def test_other_pictures_are_open_clips_own(mode: str) -> None:
    image = picture(90, 70, "L").convert(mode) if mode in ("I;16", "F") else picture(90, 70, mode)
    settings = PreprocessCfg(size=32)
    assert np.array_equal(Shaping(settings)(image), by_open_clip(image, settings))


@pytest.mark.parametrize(
    "settings",
    [
        PreprocessCfg(size=32, resize_mode="longest", fill_color=7),
        PreprocessCfg(size=(32, 48), resize_mode="shortest"),
    ],
    ids=["longest", "a rectangle"],
)
def test_other_ways_of_resizing_are_open_clips_own(settings: PreprocessCfg) -> None:
    image = picture(90, 70)
    assert np.array_equal(Shaping(settings)(image), by_open_clip(image, settings))


@pytest.mark.parametrize("mode", ["shortest", "squash"])
@pytest.mark.parametrize("size", [(3, 1000), (7, 702), (40, 4001)])
def test_the_tallest_pictures_are_open_clips_own(size: tuple[int, int], mode: str) -> None:
    grain = np.random.default_rng(1).choice([0, 255], (size[1], size[0], 3))
    image, settings = Image.fromarray(np.uint8(grain)), PreprocessCfg(size=32, resize_mode=mode)
    assert np.array_equal(Shaping(settings)(image), by_open_clip(image, settings))


@pytest.mark.parametrize("size", [(7, 700), (1000, 3), (40, 4000)])
def test_no_tall_or_wide_picture_differs_by_more(size: tuple[int, int]) -> None:
    grain = np.random.default_rng(1).choice([0, 255], (size[1], size[0], 3))
    image, settings = Image.fromarray(np.uint8(grain)), PreprocessCfg(size=64, resize_mode="squash")
    differences = np.abs(Shaping(settings)(image).astype(int) - by_open_clip(image, settings))
    assert differences.max() <= 2


def test_pictures_of_the_models_size_are_not_resized() -> None:
    for image in (picture(64, 64), picture(80, 64)):
        settings = PreprocessCfg(size=64)
        assert np.array_equal(Shaping(settings)(image), by_open_clip(image, settings))


def test_a_picture_too_large_for_one_block_of_memory_is_shaped_as_well() -> None:
    image, settings = picture(2500, 1700), PreprocessCfg(size=64)
    differences = np.abs(Shaping(settings)(image).astype(int) - by_open_clip(image, settings))
    assert differences.max() <= 2


def test_pixels_outlive_their_picture() -> None:
    image = picture(300, 200)
    pixels = Shaping(PreprocessCfg(size=200))(image)
    before = pixels.copy()
    image.close()
    others = [picture(300, 200) for _ in range(8)]
    assert np.array_equal(pixels, before)
    assert len(others) == 8


def bits() -> str:
    """A digest of shaped pictures, decoded from JPEG files first."""
    shaping, digest = Shaping(PreprocessCfg(size=64)), xxhash.xxh3_64()
    decoder = Decoder(shaping, shaping.side, 10**6)
    for size in SIZES[:4]:
        sink = io.BytesIO()
        picture(*size).save(sink, "JPEG", quality=90)
        digest.update(decoder.decode(sink.getvalue()).tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("capability", ["default", "avx2"])
def test_the_bits_are_the_same_on_processors_with_and_without_vectors(capability: str) -> None:
    command: Sequence[str] = [
        sys.executable,
        "-c",
        "from tests.recognition.test_shaping import bits; print(bits())",
    ]
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": capability}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == bits()


def test_no_warning_is_given(recwarn: pytest.WarningsRecorder) -> None:
    torch.set_warn_always(True)
    try:
        Shaping(PreprocessCfg(size=32))(picture(100, 90))
        Shaping(PreprocessCfg(size=32))(picture(2500, 1700))
    finally:
        torch.set_warn_always(False)
    assert not recwarn.list
