"""A measure beside the bounds on it: which of its values decides, what is above, what is not asked.

Values are absolute, and nan where they are undefined; bounds are nan where nothing is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
ROUNDING = 1e-12
CERTIFIED = 1e-6
_CERTIFIED = (CERTIFIED, 1e-5)
_FEWEST_DIGITS, _MOST_DIGITS = 4, 12


@dataclass(frozen=True)
class Extreme:
    """A value, the bound on it, nan where there is none, and where it stands."""

    at: tuple[int, ...]
    value: float
    bound: float

    def name(self, attributes: Sequence[str], labels: Sequence[str]) -> str:
        """The attribute, or the pair of attribute and label, whose value it is."""
        k, *of_labels = self.at
        return " × ".join([attributes[k], *(labels[r] for r in of_labels)])


def deciding(values: Values, bounds: Values, within: float = ROUNDING) -> Extreme | None:
    """The value that is most above its bound, or nearest to it; the largest where none is bounded.

    The first of those that are so to `within`. None where nothing is known of those that are
    bounded.
    """
    bounded = ~np.isnan(bounds)
    return _largest(values, bounds, values - bounds if bounded.any() else values, within)


def decided(values: Values, bounds: Values) -> float:
    """The value that decides; 0 where nothing is known."""
    found = deciding(values, bounds)
    return 0.0 if found is None else found.value


def largest_unasked(values: Values, bounds: Values, within: float = ROUNDING) -> Extreme | None:
    """The largest value on which nothing is asked; None where there is none."""
    return _largest(values, bounds, np.where(np.isnan(bounds), values, np.nan), within)


def excesses(values: Values, bounds: Values) -> Values:
    """By how much values are above their bounds, (n,); 0 where they are not, for all rounding."""
    above = values - bounds
    known = above[~np.isnan(above)]
    return np.where(known > ROUNDING, known, 0.0)


def certified(values: Values, bounds: Values) -> float | None:
    """To what the bounds are met by weights, 10^-6 or 10^-5; None where they are not to either."""
    worst = float(excesses(values, bounds).max(initial=0.0))
    return next((to for to in _CERTIFIED if worst <= to), None)


def figures(value: float, bound: float, within: float = ROUNDING) -> tuple[str, str]:
    """Both with four digits, or as many as tell that the value is above (by more than `within`),
    and that the bound is not 0.
    """
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS + 1):
        shown, limit = f"{value:.{digits}f}", f"{bound:.{digits}f}"
        told = value - bound <= within or float(shown) > float(limit)
        if told and (bound <= 0 or float(limit) > 0):
            break
    return shown, limit


def _largest(values: Values, bounds: Values, by: Values, within: float) -> Extreme | None:
    """The first value that is largest, to `within`, `by` a number each; nan where none counts."""
    if np.isnan(by).all():
        return None
    near = np.nan_to_num(by, nan=-np.inf) >= np.nanmax(by) - within
    at = tuple(int(place) for place in np.unravel_index(near.argmax(), by.shape))
    return Extreme(at, float(values[at]), float(bounds[at]))
