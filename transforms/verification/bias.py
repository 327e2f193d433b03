"""Bias from its definitions: shares, and shares under a condition, of weighted rows."""

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Self

import numpy as np

from transforms.verification.checks import Check
from transforms.verification.figures import Figures
from transforms.verification.formulas import LabelledRows
from transforms.verification.stated import Stated, Vector

_TOLERANCE = 1e-9
_NEGLIGIBLE = 1e-9
_STANDARD_ERRORS = 4.0
_FALSE_ALARMS = 1e-4


@dataclass
class BiasTally:
    """Sums over weighted rows: of all, of s, n and of the others that take part, (m,); the same
    among the rows with each label, (m, c); and of the labels, (c,).
    """

    stated: Stated
    total: float
    s: Vector
    n: Vector
    others: Vector
    y: Vector
    s_y: Vector
    n_y: Vector
    others_y: Vector

    @classmethod
    def empty(cls, stated: Stated) -> Self:
        """Nothing, yet."""
        m, c = len(stated.attributes), len(stated.labels)
        s, n, others = np.zeros((3, m))
        s_y, n_y, others_y = np.zeros((3, m, c))
        return cls(stated, 0.0, s, n, others, np.zeros(c), s_y, n_y, others_y)

    def plus(self, other: "BiasTally") -> "BiasTally":
        """What both tally."""
        names = ("total", "s", "n", "others", "y", "s_y", "n_y", "others_y")
        return BiasTally(self.stated, *(getattr(self, one) + getattr(other, one) for one in names))

    def add(self, rows: LabelledRows, mass: Vector) -> None:
        """Add rows, each `mass` times."""
        y = rows.y.astype(np.float64)
        s, n, others = (part.T * mass for part in (rows.s, rows.n, rows.g - rows.s))
        self.total += float(mass.sum())
        self.y += mass @ y
        self.s += s.sum(axis=1)
        self.n += n.sum(axis=1)
        self.others += others.sum(axis=1)
        self.s_y += s @ y
        self.n_y += n @ y
        self.others_y += others @ y

    def minus(self, other: Self) -> Self:
        """These rows without those of `other`."""
        sums = ("total", "s", "n", "others", "y", "s_y", "n_y", "others_y")
        return replace(self, **{name: getattr(self, name) - getattr(other, name) for name in sums})

    @property
    def share(self) -> Vector:
        """The share of each attribute, (m,)."""
        return _ratio(self.s, self.n)

    @property
    def share_within(self) -> Vector:
        """The share of each attribute among the rows with each label, (m, c)."""
        return _ratio(self.s_y, self.n_y)

    @property
    def label_with(self) -> Vector:
        """The share of each label among the rows with each attribute, (m, c)."""
        return _ratio(self.s_y, self.s[:, None])

    @property
    def label_without(self) -> Vector:
        """The share of each label among those who take part without the attribute, (m, c)."""
        return _ratio(self.others_y, self.others[:, None])

    def measures(self) -> dict[str, tuple[Vector, Vector]]:
        """Each measure, and the mass that its ratios are taken of."""
        targets = self.stated.targets
        both = np.minimum(self.s, self.others)[:, None]
        whole = np.full(len(self.stated.labels), self.total)
        return {
            "share": (self.share, self.n),
            "RB": (np.abs(targets - self.share), self.n),
            "AB": (self.label_with - self.label_without, np.broadcast_to(both, self.s_y.shape)),
            "skew": (self.share_within - targets[:, None], self.n_y),
            "label_share": (_ratio(self.y, whole), whole),
        }


@dataclass
class Variance:
    """The variances of sums of (x - R z) over drawn rows, for each ratio R that `around` has.

    A row drawn with weight q comes floor(q) or ceil(q) times, with variance f (1 - f) where
    f = q - floor(q). share is (m,), the rest are (m, c).
    """

    around: BiasTally
    share: Vector
    share_within: Vector
    label_with: Vector
    label_without: Vector

    @classmethod
    def empty(cls, around: BiasTally) -> Self:
        """No rows, yet."""
        m, c = around.s_y.shape
        return cls(around, np.zeros(m), *(np.zeros((m, c)) for _ in range(3)))

    def add(self, rows: LabelledRows, q: Vector) -> None:
        """Add rows that are drawn with weights q."""
        variance = (q - np.floor(q)) * (1 - (q - np.floor(q)))
        share, within, with_, without = (
            np.nan_to_num(ratio)
            for ratio in (
                self.around.share,
                self.around.share_within,
                self.around.label_with,
                self.around.label_without,
            )
        )
        for k in range(len(share)):
            s, n, others = rows.s[:, k], rows.n[:, k], rows.g[:, k] - rows.s[:, k]
            self.share[k] += variance @ (s - share[k] * n) ** 2
            apart = s[:, None] - within[k] * n[:, None]
            self.share_within[k] += variance @ (apart**2 * rows.y)
            self.label_with[k] += (variance * s) @ (rows.y - with_[k]) ** 2
            self.label_without[k] += (variance * others) @ (rows.y - without[k]) ** 2


def check_figures(mine: BiasTally, said: Figures, where: str, check: Check) -> None:
    """Compare measures of a document with those of `mine`, where they have a mass to speak of."""
    _compare("samples", "", said.samples, mine.total, mine.total, where, check)
    for name, (values, wholes) in mine.measures().items():
        theirs = np.array(getattr(said, name), dtype=np.float64)
        if theirs.size != values.size:
            check.expect(False, f"{where}.{name} has {theirs.size} figures, not {values.size}")
            continue
        theirs = theirs.reshape(values.shape)
        known = wholes > _NEGLIGIBLE * mine.total
        check.checked += values.size
        apart = ~np.isclose(theirs, values, rtol=0, atol=_TOLERANCE, equal_nan=True) & known
        for at in np.argwhere(apart):
            place = tuple(at.tolist())
            check.differ(
                f"{where}.{name} of {_subject(name, place, mine.stated)} is {theirs[place]:.9g}, "
                f"measured again it is {values[place]:.9g}"
            )


def check_drawn(after: BiasTally, expected: BiasTally, variance: Variance, check: Check) -> None:
    """Whether what was drawn is as near to what the weights expect as drawing allows.

    Allowed are 4 standard errors of independent draws, and as many samples more; where many figures
    are compared, as many standard errors as let one of 10,000 outputs raise a false alarm.
    """
    figures = after.s.size + 3 * after.s_y.size
    errors = NormalDist().inv_cdf(1 - _FALSE_ALARMS / (2 * figures))
    errors = max(errors, _STANDARD_ERRORS)
    with_, without = after.s[:, None], after.others[:, None]
    deviations = {
        "RB": (after.share - expected.share, _error(variance.share, after.n, errors)),
        "skew": (
            after.share_within - expected.share_within,
            _error(variance.share_within, after.n_y, errors),
        ),
        "AB": (
            after.label_with - after.label_without - (expected.label_with - expected.label_without),
            np.hypot(
                _error(variance.label_with, with_, errors),
                _error(variance.label_without, without, errors),
            ),
        ),
    }
    largest = 0.0
    for name, (deviation, allowed) in deviations.items():
        check.checked += deviation.size
        share = np.nan_to_num(np.abs(deviation) / allowed)
        largest = max(largest, float(share.max(initial=0.0)))
        for at in np.argwhere(share > 1):
            place = tuple(at.tolist())
            check.differ(
                f"{name} of {_subject(name, place, after.stated)} is {deviation[place]:+.4f} from "
                f"what the weights expect, and drawing explains {allowed[place]:.4f}"
            )
    check.found = f"at most {largest:.0%} of what drawing may do"


def _error(variance: Vector, whole: Vector, errors: float) -> Vector:
    """What drawing may do to a ratio over `whole`, nan where there is none."""
    return _ratio(errors * (np.sqrt(variance) + 1), np.broadcast_to(whole, variance.shape))


def _ratio(part: Vector, whole: Vector) -> Vector:
    shape = np.broadcast_shapes(part.shape, whole.shape)
    known = np.broadcast_to(whole > 0, shape)
    ratio = np.full(shape, np.nan)
    np.divide(part, whole, out=ratio, where=known)
    return ratio


def _compare(
    name: str, of: str, said: float, mine: float, size: float, where: str, check: Check
) -> None:
    check.expect(
        abs(said - mine) <= _TOLERANCE * max(1.0, size),
        f"{where}.{name}{of} is {said:.9g}, measured again it is {mine:.9g}",
    )


def _subject(name: str, place: tuple[int, ...], stated: Stated) -> str:
    if name == "label_share":
        return stated.labels[place[0]]
    label = f" and {stated.labels[place[1]]}" if len(place) > 1 else ""
    return f"{stated.attributes[place[0]]}{label}"
