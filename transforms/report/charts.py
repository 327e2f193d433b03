"""The geometry of the report's charts, for a template to draw."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
MOST_ROWS = 60
_MOST_COLUMNS = 20
_MOST_COLUMNS_WITH_NUMBERS = 6
_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True)
class Cell:
    """One cell of a heat map: its value before and after; nan where there is no data."""

    before: float
    after: float


@dataclass(frozen=True)
class HeatMap:
    """Labels (rows) by attributes (columns), before and after, coloured from -limit to limit.

    rows and columns hold what is shown, of row_count labels and column_count attributes; with
    `numbers` the cells have room for their values.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    limit: float
    row_count: int
    column_count: int
    numbers: bool

    @property
    def gaps(self) -> bool:
        """Whether some cell has no data."""
        cells = (cell for _, row in self.rows for cell in row)
        return any(math.isnan(cell.before + cell.after) for cell in cells)

    def strength(self, value: float) -> int:
        """The colour's strength in percent, 0 to 100."""
        return min(100, round(100 * abs(value) / self.limit))


def heat_map(
    attributes: Sequence[str],
    labels: Sequence[str],
    before: Matrix,
    after: Matrix,
    most: int = MOST_ROWS,
) -> HeatMap | None:
    """The heat map of two matrices (m, c); None where there are no labels.

    Shows the `most` labels, and the attributes, whose largest absolute value before is largest;
    labels in that order, attributes in the order given.
    """
    if not before.size:
        return None
    size = np.nan_to_num(np.abs(before), nan=-1.0)
    rows = np.argsort(-size.max(axis=0), kind="stable")[:most]
    columns = np.sort(np.argsort(-size.max(axis=1), kind="stable")[:_MOST_COLUMNS])
    known = np.abs(np.concatenate([before, after], axis=1)[columns])
    return HeatMap(
        tuple(attributes[k] for k in columns),
        tuple(
            (labels[r], tuple(Cell(float(before[k, r]), float(after[k, r])) for k in columns))
            for r in rows
        ),
        rounded_up(float(known[~np.isnan(known)].max(initial=0.0))),
        len(labels),
        len(attributes),
        len(columns) <= _MOST_COLUMNS_WITH_NUMBERS,
    )


@dataclass(frozen=True)
class Axis:
    """A scale from 0 to `top`."""

    top: float

    @property
    def ticks(self) -> tuple[float, ...]:
        """Five ticks, the ends included."""
        return tuple(self.top * step / 4 for step in range(5))

    def at(self, value: float) -> str:
        """Where `value` stands on the axis, as CSS percents; 0 where it is nan."""
        share = 0.0 if math.isnan(value) else min(max(value / self.top, 0.0), 1.0)
        return f"{100 * share:.2f}%"


def axis(values: Sequence[float] | Matrix, most: float = math.inf) -> Axis:
    """The axis that holds all `values` (nan apart), at most `most` long."""
    known = [value for value in values if not math.isnan(value)]
    return Axis(min(rounded_up(max(known, default=0.0)), most))


@dataclass(frozen=True)
class LineChart:
    """A measure over a rate; `path` is an SVG path in a square of 100 by 100, y downwards.

    bound is what is asked of the measure, nan where nothing is.
    """

    title: str
    x: Axis
    y: Axis
    path: str
    bound: float

    def height(self, value: float) -> float:
        """Where `value` stands from the top, 0 to 100."""
        return 100 - float(self.y.at(value)[:-1])


def line_chart(
    title: str, x: Axis, rates: Sequence[float], values: Sequence[float], bound: float = math.nan
) -> LineChart:
    """The chart of `values` by `rates`, in rising order; there is a gap where a value is nan."""
    y = axis([*values, bound])
    chart = LineChart(title, x, y, "", bound)
    steps, pen = [], "M"
    for rate, value in zip(rates, values, strict=True):
        if math.isnan(value):
            pen = "M"
            continue
        steps.append(f"{pen}{float(x.at(rate)[:-1]):g} {chart.height(value):.4g}")
        pen = "L"
    return replace(chart, path="".join(steps))


def rounded_up(value: float) -> float:
    """The next larger number of one digit or so; 0.01 at least."""
    value = max(value, 0.01)
    power = 10.0 ** math.floor(math.log10(value))
    return next(round(step * power, 9) for step in _STEPS if step * power >= value * (1 - 1e-9))
