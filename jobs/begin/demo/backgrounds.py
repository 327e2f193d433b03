"""The backgrounds, each painted over the whole square canvas."""

from collections.abc import Callable
from random import Random

from jobs.begin.demo.pen import Colour, Pen

SUN = (252, 214, 92)
WHITE = (250, 252, 255)
PINE = (44, 92, 76)
TRUNK = (92, 66, 50)


def _sky(pen: Pen, top: Colour, bottom: Colour) -> None:
    """Bands from one colour to the other, down the whole canvas."""
    bands = 20
    for band in range(bands):
        share = band / (bands - 1)
        red, green, blue = (round(a + share * (b - a)) for a, b in zip(top, bottom, strict=True))
        y = 100 * band / bands
        pen.polygon([(0, y), (100, y), (100, y + 6), (0, y + 6)], (red, green, blue))


def _meadow(pen: Pen, horizon: float, rng: Random) -> None:
    _sky(pen, (120, 188, 236), (216, 238, 246))
    pen.oval(rng.uniform(8, 92), rng.uniform(8, 22), 8, 8, SUN)
    x = rng.uniform(0, 100)
    for dx, size_x in ((-9, 8), (0, 11), (9, 8)):
        pen.oval(x + dx, 26 + abs(dx) / 5, size_x, size_x * 0.55, WHITE)
    pen.oval(rng.uniform(0, 40), horizon + 14, 52, 24, (116, 184, 96))
    pen.oval(rng.uniform(60, 100), horizon + 14, 46, 20, (98, 170, 84))
    pen.polygon([(0, horizon + 6), (100, horizon + 6), (100, 100), (0, 100)], (84, 158, 70))
    for _ in range(7):
        x, y = rng.uniform(2, 98), rng.uniform(horizon + 10, 98)
        pen.oval(x, y, 1.7, 1.7, rng.choice(((250, 240, 120), (250, 250, 250), (240, 130, 160))))


def _beach(pen: Pen, horizon: float, rng: Random) -> None:
    _sky(pen, (136, 206, 240), (236, 242, 236))
    pen.oval(rng.uniform(8, 92), rng.uniform(8, 24), 9, 9, SUN)
    pen.polygon([(0, horizon - 10), (100, horizon - 10), (100, 100), (0, 100)], (38, 142, 182))
    for _ in range(5):
        x, y = rng.uniform(0, 92), rng.uniform(horizon - 8, horizon + 2)
        pen.line([(x, y), (x + 9, y)], 0.9, (150, 214, 226))
    shore = [(x, horizon + 6 + rng.uniform(-1.5, 1.5)) for x in (0, 25, 50, 75, 100)]
    pen.line(shore, 2.5, WHITE)
    pen.polygon([*shore, (100, 100), (0, 100)], (240, 214, 160))
    for _ in range(6):
        pen.oval(rng.uniform(2, 98), rng.uniform(horizon + 12, 98), 1.2, 0.8, (204, 172, 120))


def _snow(pen: Pen, horizon: float, rng: Random) -> None:
    _sky(pen, (168, 190, 214), (226, 232, 242))
    for _ in range(4):
        tree = pen.at((rng.uniform(2, 98), horizon + 6), scale=rng.uniform(0.8, 1.3))
        tree.polygon([(-1.5, 0), (1.5, 0), (1.5, -8), (-1.5, -8)], TRUNK)
        for y, width in ((-5, 10), (-13, 8), (-21, 6)):
            tree.polygon([(-width, y), (width, y), (0, y - 12)], PINE)
        tree.polygon([(-3, -27), (3, -27), (0, -33)], WHITE)
    pen.oval(rng.uniform(10, 90), horizon + 22, 80, 22, (236, 242, 250))
    pen.polygon([(0, horizon + 8), (100, horizon + 8), (100, 100), (0, 100)], (236, 242, 250))
    for _ in range(16):
        pen.oval(rng.uniform(0, 100), rng.uniform(0, 100), 1.1, 1.1, WHITE)


def _night(pen: Pen, horizon: float, rng: Random) -> None:
    _sky(pen, (16, 22, 58), (62, 66, 122))
    for _ in range(18):
        pen.oval(rng.uniform(0, 100), rng.uniform(0, horizon), 0.8, 0.8, (250, 244, 200))
    x, y = rng.uniform(10, 90), rng.uniform(10, 20)
    pen.oval(x, y, 9, 9, (248, 240, 200))
    pen.oval(x + 4, y - 2, 8, 8, (22, 28, 66))
    pen.oval(rng.uniform(0, 40), horizon + 16, 60, 22, (44, 58, 104))
    pen.polygon([(0, horizon + 6), (100, horizon + 6), (100, 100), (0, 100)], (50, 72, 92))


BACKGROUNDS: dict[str, Callable[[Pen, float, Random], None]] = {
    "meadow": _meadow,
    "beach": _beach,
    "snow": _snow,
    "night": _night,
}
"""Name to painter. A painter's pen has its origin in the upper left corner of the canvas, and 100
units to the side; the float is the height of the horizon in these units."""
