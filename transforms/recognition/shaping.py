"""Pictures as a model takes them: resized, cropped and converted to RGB, as open_clip does it."""

from collections.abc import Callable
from functools import reduce

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL.Image import Image
from torch.nn.functional import interpolate
from torch.utils.dlpack import from_dlpack

_MOST_IN_A_BLOCK = 4_000_000
_CHANNELS = 4
_TALLEST = 100


class Shaping:
    """Makes a picture the pixels (height, width, 3) of a model's size.

    What is RGB is resized by PyTorch's kernel for bytes, six times as fast as Pillow's. Both follow
    one algorithm, with weights of 16 and of 22 bits: no pixel differs by more than 2 of 255 levels,
    and of photographs one in a hundred of the values by 1. All else is left to open_clip's own
    transform; so are the tallest pictures, of which Pillow resizes the height first.
    """

    def __init__(self, settings: PreprocessCfg) -> None:
        *steps, _, _ = image_transform_v2(settings, is_train=False).transforms
        self._steps: list[Callable[[Image], Image]] = steps
        size = settings.size
        self._size = (size, size) if isinstance(size, int) else (size[0], size[-1])
        self._crops = settings.resize_mode == "shortest"
        self._mode = "bilinear" if settings.interpolation == "bilinear" else "bicubic"
        self._pads = settings.resize_mode == "longest"
        self.side: int = max(self._size)

    def __call__(self, image: Image) -> NDArray[np.uint8]:
        """The pixels of `image`."""
        height, width = self._size
        keeps_ratio = self._pads or (self._crops and height != width)
        is_tallest = image.height > _TALLEST * image.width
        if image.mode != "RGB" or keeps_ratio or is_tallest:
            return np.asarray(reduce(lambda shaped, step: step(shaped), self._steps, image))
        resized = self._resized(image.height, image.width)
        pixels = _pixels(image)
        if resized != (image.height, image.width):
            batch = pixels[None].permute(0, 3, 1, 2)
            antialiased = interpolate(batch, resized, mode=self._mode, antialias=True)
            pixels = antialiased[0].permute(1, 2, 0)
        top, left = round((resized[0] - height) / 2), round((resized[1] - width) / 2)
        return _in_three(pixels[top : top + height, left : left + width])

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        """The size before the crop, by torchvision's own rule."""
        if not self._crops:
            return self._size
        side = self.side
        if width <= height:
            return int(side * height / width), side
        return side, int(side * width / height)


def _pixels(image: Image) -> torch.Tensor:
    """The pixels (height, width, 3 or 4) of an RGB image: its own memory, where that is one block.

    Its fourth channel means nothing.
    """
    if image.width * image.height > _MOST_IN_A_BLOCK:
        return torch.from_numpy(np.array(image))
    image.load()
    flat = from_dlpack(pa.array(image).values)
    return flat.view(image.height, image.width, _CHANNELS)


def _in_three(pixels: torch.Tensor) -> NDArray[np.uint8]:
    """A copy of the first three channels of bytes.

    Of four, all are copied at once, as words at every third byte: what is fourth is overwritten by
    the first of the next pixel.
    """
    height, width, channels = pixels.shape
    copied = np.empty(3 * height * width + 1, np.uint8)
    if channels == _CHANNELS:
        words = np.ndarray((height, width), np.uint32, copied, 0, (3 * width, 3))
        words[...] = pixels.contiguous().numpy().view(np.uint32)[..., 0]
    else:
        copied[:-1] = pixels.numpy().reshape(-1)
    return copied[:-1].reshape(height, width, 3)
