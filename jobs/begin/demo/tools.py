"""The tools. Each is drawn around the paw that holds it: the origin is where it is gripped."""

import math
from collections.abc import Callable

from jobs.begin.demo.pen import Pen

WOOD = (168, 112, 60)
STEEL = (120, 128, 140)
BRIGHT_STEEL = (190, 198, 206)
RED = (206, 48, 56)
BLUE = (46, 104, 190)
YELLOW = (240, 192, 52)
PAPER = (250, 246, 232)
INK = (150, 150, 160)


def _hammer(pen: Pen) -> None:
    pen.line([(0, 17), (0, -32)], 6, WOOD)
    pen.polygon([(-17, -44), (8, -44), (22, -36), (8, -32), (-17, -30)], STEEL)
    pen.polygon([(-21, -46), (-14, -46), (-14, -28), (-21, -28)], BRIGHT_STEEL)


def _brush(pen: Pen) -> None:
    pen.polygon([(-2, 24), (2, 24), (4.5, -16), (-4.5, -16)], BLUE)
    pen.polygon([(-6, -14), (6, -14), (7, -25), (-7, -25)], BRIGHT_STEEL)
    pen.polygon([(-7, -25), (7, -25), (10, -38), (-10, -38)], WOOD)
    pen.polygon([(-10, -36), (10, -36), (8, -46), (1, -55), (-7, -46)], RED)


def _book(pen: Pen) -> None:
    pen.polygon([(-25, -20), (0, -15), (25, -20), (25, 13), (0, 18), (-25, 13)], RED)
    for side in (-1, 1):
        pen.polygon([(0, -15), (side * 22, -22), (side * 22, 9), (0, 14)], PAPER)
        for y in (-12, -5, 2):
            pen.line([(side * 5, y), (side * 18, y - 4)], 2, INK)
    pen.line([(0, -15), (0, 15)], 1.6, INK)


def _ladder(pen: Pen) -> None:
    for x in (-11, 11):
        pen.line([(x, 33), (x * 0.85, -62)], 4.5, YELLOW)
    for y in range(-54, 30, 14):
        pen.line([(-11, y), (11, y)], 4, YELLOW)


def _bucket(pen: Pen) -> None:
    arc = [(18 * math.cos(t * math.pi / 8), 12 - 16 * math.sin(t * math.pi / 8)) for t in range(9)]
    pen.line(arc, 2.5, STEEL)
    pen.polygon([(-19, 12), (19, 12), (13, 38), (-13, 38)], BLUE)
    pen.polygon([(-17.5, 19), (17.5, 19), (16, 24), (-16, 24)], BRIGHT_STEEL)
    pen.oval(0, 12, 19, 5, STEEL)


def _umbrella(pen: Pen) -> None:
    pen.line([(0, -70), (0, 16), (4, 21), (9, 17)], 3.2, STEEL)
    rim = [(36 - 9 * i, -43 - 5 * (i % 2)) for i in range(9)]
    dome = [
        (-36 * math.cos(t * math.pi / 12), -43 - 29 * math.sin(t * math.pi / 12)) for t in range(13)
    ]
    pen.polygon([*dome, *rim], RED)
    for first in (0, 3, 6):
        pen.polygon([(0, -72), *rim[first : first + 3]], YELLOW)


TOOLS: dict[str, Callable[[Pen], None]] = {
    "hammer": _hammer,
    "brush": _brush,
    "book": _book,
    "ladder": _ladder,
    "bucket": _bucket,
    "umbrella": _umbrella,
}
