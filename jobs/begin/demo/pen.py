"""A pen that draws simple shapes in a frame of its own, and the tint that varies its colours."""

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from PIL import ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]

_ROUND = [(math.cos(i * math.pi / 12), math.sin(i * math.pi / 12)) for i in range(24)]


@dataclass(frozen=True)
class Tint:
    """A change of colour: `hue` in turns, `value` as a factor of brightness."""

    hue: float = 0.0
    value: float = 1.0

    @classmethod
    def drawn(cls, rng: Random, hue: float, value: float) -> "Tint":
        """A tint up to `hue` turns and `value` of brightness away from no change."""
        return cls(rng.uniform(-hue, hue), 1 + rng.uniform(-value, value))

    def __call__(self, colour: Colour) -> Colour:
        hue, saturation, value = colorsys.rgb_to_hsv(*(c / 255 for c in colour))
        red, green, blue = colorsys.hsv_to_rgb(
            (hue + self.hue) % 1, saturation, min(1.0, value * self.value)
        )
        return round(red * 255), round(green * 255), round(blue * 255)


@dataclass(frozen=True)
class Pen:
    """Draws in a frame with origin (x, y), y downwards, `scale` pixels to the unit.

    The frame is turned by `angle` radians; `mirror` is -1 where left and right are swapped, else 1.
    """

    canvas: ImageDraw.ImageDraw
    x: float
    y: float
    scale: float
    tint: Tint = Tint()
    mirror: int = 1
    angle: float = 0.0

    def place(self, x: float, y: float) -> Point:
        """The canvas position, in pixels, of a point of the frame."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return (
            self.x + self.scale * self.mirror * (cos * x - sin * y),
            self.y + self.scale * (sin * x + cos * y),
        )

    def at(
        self, point: Point, scale: float = 1.0, angle: float = 0.0, tint: Tint | None = None
    ) -> "Pen":
        """A pen whose origin is `point` of this frame, scaled, turned and tinted in turn."""
        x, y = self.place(*point)
        return replace(
            self,
            x=x,
            y=y,
            scale=self.scale * scale,
            angle=self.angle + angle,
            tint=self.tint if tint is None else tint,
        )

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        self.canvas.polygon([self.place(*point) for point in points], fill=self.tint(colour))

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        self.canvas.line(
            [self.place(*point) for point in points],
            fill=self.tint(colour),
            width=max(1, round(width * self.scale)),
            joint="curve",
        )

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """An ellipse of centre (x, y) and half axes rx, ry."""
        if self.angle:
            self.polygon([(x + rx * cos, y + ry * sin) for cos, sin in _ROUND], colour)
            return
        cx, cy = self.place(x, y)
        rx, ry = rx * self.scale, ry * self.scale
        self.canvas.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=self.tint(colour))

    def pair(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """Two ellipses, at x and at -x."""
        self.oval(-x, y, rx, ry, colour)
        self.oval(x, y, rx, ry, colour)
