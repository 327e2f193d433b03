"""The figures: plain friendly animals, seen from the front.

Each stands with its feet at the origin, is about 100 units high, and holds out a paw (or a wing).
"""

from collections.abc import Callable
from dataclasses import dataclass

from jobs.begin.demo.pen import Colour, Pen, Point

BLACK = (35, 30, 35)
WHITE = (252, 250, 245)

ORANGE = (226, 112, 38)
SOCK = (70, 44, 36)
CREAM = (250, 232, 208)

TAWNY = (150, 122, 98)
FEATHER = (110, 86, 70)
DOWN = (226, 208, 178)
BEAK = (240, 170, 50)

COCOA = (116, 76, 52)
MUZZLE = (206, 164, 122)
INNER_EAR = (176, 122, 96)


@dataclass(frozen=True)
class Figure:
    """A figure's drawing, the place of the paw that holds a tool, and the paw's colour."""

    draw: Callable[[Pen], None]
    hand: Point
    paw: Colour


def _eyes(pen: Pen, x: float, y: float, size: float) -> None:
    pen.pair(x, y, size, size * 1.15, BLACK)
    for side in (-x, x):
        pen.oval(side + size * 0.3, y - size * 0.4, size * 0.35, size * 0.35, WHITE)


def _fox(pen: Pen) -> None:
    tail = pen.at((-16, -12), angle=-0.95)
    tail.oval(0, -24, 12, 26, ORANGE)
    tail.polygon(
        [(-11, -34), (-6, -31), (0, -35), (6, -31), (11, -34), (7, -45), (0, -52), (-7, -45)], CREAM
    )
    pen.pair(10, -3, 9, 5, SOCK)
    pen.oval(0, -27, 20, 26, ORANGE)
    pen.oval(0, -24, 11, 18, CREAM)
    pen.line([(-15, -40), (-21, -20)], 9, ORANGE)
    pen.oval(-21, -18, 5.5, 5.5, SOCK)
    pen.line([(14, -40), (31, -36)], 9, ORANGE)
    for side in (-1, 1):
        pen.polygon([(side * 26, -101), (side * 4, -82), (side * 26, -68)], ORANGE)
        pen.polygon([(side * 23, -94), (side * 11, -82), (side * 23, -75)], SOCK)
    pen.polygon(
        [(-22, -82), (0, -87), (22, -82), (33, -60), (12, -50), (0, -44), (-12, -50), (-33, -60)],
        ORANGE,
    )
    for side in (-1, 1):
        pen.polygon(
            [(side * 33, -60), (side * 12, -64), (0, -50), (0, -44), (side * 12, -50)], CREAM
        )
    _eyes(pen, 11, -68, 4)
    pen.oval(0, -49, 4.5, 4, BLACK)


def _owl(pen: Pen) -> None:
    for side in (-1, 1):
        pen.line([(side * 9, -6), (side * 9, -1)], 6, BEAK)
        pen.line([(side * 15, 0), (side * 3, 0)], 4, BEAK)
        pen.polygon([(side * 27, -100), (side * 8, -88), (side * 27, -72)], FEATHER)
    pen.oval(-25, -38, 9, 25, FEATHER)
    pen.oval(0, -46, 29, 43, TAWNY)
    pen.oval(0, -30, 19, 24, DOWN)
    for row, (y, xs) in enumerate(((-40, (-8, 0, 8)), (-31, (-12, -4, 4, 12)), (-22, (-8, 0, 8)))):
        for x in xs:
            pen.line([(x - 3, y), (x, y + 4 - row % 2), (x + 3, y)], 1.6, TAWNY)
    pen.polygon([(18, -54), (36, -42), (38, -33), (30, -30), (16, -34)], FEATHER)
    pen.pair(12, -66, 14, 14, DOWN)
    pen.pair(12, -66, 10.5, 10.5, BEAK)
    pen.pair(12, -66, 7, 7, BLACK)
    for x in (-12, 12):
        pen.oval(x + 2.5, -69, 2.4, 2.4, WHITE)
    pen.polygon([(-5, -60), (5, -60), (0, -49)], BEAK)


def _bear(pen: Pen) -> None:
    pen.pair(14, -5, 12, 8, COCOA)
    pen.pair(14, -4, 6, 4, MUZZLE)
    pen.oval(0, -30, 27, 29, COCOA)
    pen.oval(0, -26, 16, 19, MUZZLE)
    pen.line([(-20, -44), (-30, -26)], 13, COCOA)
    pen.oval(-30, -25, 7, 7, COCOA)
    pen.line([(19, -44), (34, -37)], 13, COCOA)
    pen.pair(21, -90, 10, 10, COCOA)
    pen.pair(21, -90, 5.5, 5.5, INNER_EAR)
    pen.oval(0, -72, 28, 24, COCOA)
    pen.oval(0, -64, 13, 10, MUZZLE)
    pen.oval(0, -68, 5.5, 4, BLACK)
    pen.line([(0, -66), (0, -60)], 1.6, BLACK)
    pen.line([(-5, -60), (0, -58), (5, -60)], 1.6, BLACK)
    _eyes(pen, 12, -77, 3.6)


FIGURES = {
    "fox": Figure(_fox, (33, -36), SOCK),
    "owl": Figure(_owl, (34, -34), FEATHER),
    "bear": Figure(_bear, (37, -36), COCOA),
}
