"""Labelled scenes: at most one figure, holding at most one tool, before a background."""

import io
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from jobs.begin.demo.backgrounds import BACKGROUNDS
from jobs.begin.demo.figures import FIGURES, Figure
from jobs.begin.demo.pen import Pen, Tint
from jobs.begin.demo.tools import TOOLS

SIDE = 96
"""Width and height of a picture, in pixels."""

_SUPERSAMPLING = 2


@dataclass(frozen=True)
class Scene:
    """What a picture shows, and the seed of everything that is left to chance in it.

    `figure`, `tool` and `background` are names of FIGURES, TOOLS and BACKGROUNDS, None where there
    is none. `quality` in [0, 1] is 1 for a clean picture, 0 for a noisy one.
    """

    figure: str | None
    tool: str | None
    background: str
    seed: int
    quality: float = 1.0


def draw(scene: Scene) -> Image.Image:
    """The scene as an RGB picture of SIDE x SIDE pixels; equal scenes give equal pictures."""
    rng = Random(scene.seed)
    side = SIDE * _SUPERSAMPLING
    image = Image.new("RGB", (side, side))
    canvas = ImageDraw.Draw(image)
    tint = Tint.drawn(rng, hue=0.02, value=0.07)
    BACKGROUNDS[scene.background](Pen(canvas, 0, 0, side / 100, tint), rng.uniform(52, 66), rng)
    stand = Pen(canvas, 0, 0, side / 100, Tint.drawn(rng, hue=0.02, value=0.1))
    if scene.figure is not None:
        _draw_figure(stand, FIGURES[scene.figure], scene.tool, rng)
    elif scene.tool is not None:
        _draw_left_behind(stand, scene.tool, rng)
    return _noisy(image.reduce(_SUPERSAMPLING), 1 - scene.quality, rng)


def jpeg(image: Image.Image) -> bytes:
    """The picture as a JPEG file."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=88)
    return stream.getvalue()


def _draw_figure(pen: Pen, figure: Figure, tool: str | None, rng: Random) -> None:
    """The figure, and in its paw the tool."""
    size = rng.uniform(0.56, 0.78)
    feet = (rng.uniform(33, 67), rng.uniform(80, 96))
    stance = replace(pen.at(feet, scale=size), mirror=rng.choice((-1, 1)))
    figure.draw(stance)
    if tool is not None:
        grip = stance.at(figure.hand, scale=rng.uniform(0.95, 1.15), angle=rng.uniform(-0.2, 0.25))
        TOOLS[tool](replace(grip, tint=Tint.drawn(rng, hue=0.06, value=0.12)))
    stance.oval(*figure.hand, 6, 6, figure.paw)


def _draw_left_behind(pen: Pen, tool: str, rng: Random) -> None:
    """The tool alone, on the ground."""
    spot = pen.at(
        (rng.uniform(25, 75), rng.uniform(62, 74)),
        scale=rng.uniform(0.6, 0.9),
        angle=rng.uniform(-0.6, 0.6),
    )
    TOOLS[tool](replace(spot, tint=Tint.drawn(rng, hue=0.06, value=0.12)))


def _noisy(image: Image.Image, noise: float, rng: Random) -> Image.Image:
    """The picture with noise added: up to 20 levels a channel where `noise` is 1."""
    pixels = np.asarray(image)
    grain = np.frombuffer(rng.randbytes(pixels.size), np.int8).reshape(pixels.shape)
    scaled = (grain * np.int16(round(40 * noise))) >> 8
    return Image.fromarray(np.clip(pixels + scaled, 0, 255).astype(np.uint8))
