"""What is required of the samples that are drawn, as bounds on the measures of their moments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from transforms.config.balance import ShareBound
from transforms.config.schema import Attribute
from transforms.m4.rounding_kernels import NOTHING, Goal
from transforms.m4.terms import VACUOUS, Tolerances
from transforms.statistics.measures import ratio
from transforms.statistics.moments import Moments

Matrix = NDArray[np.float64]
_ATTAINED = 1e-5


@dataclass(frozen=True)
class Requirement:
    """Bounds on a corpus: `written` (moments of samples that are there already, or None) and what
    is drawn, together.
    """

    tolerances: Tolerances
    shares: tuple[ShareBound, ...]
    written: Moments | None = None


@dataclass(frozen=True)
class Bounds:
    """Bounds on measures, of R requirements at once (`rounding_kernels.Goal`).

    defined: which measures are to have samples that they are of; () where none must.
    """

    written: Matrix
    low: Matrix
    high: Matrix
    association: Matrix
    bounded: NDArray[np.int64]
    label_low: Matrix
    label_high: Matrix
    defined: tuple[NDArray[np.bool_], ...] = ()

    @classmethod
    def of(
        cls,
        requirements: Sequence[Requirement],
        attributes: tuple[Attribute, ...],
        labels: Sequence[str],
    ) -> "Bounds":
        """Those that are required."""
        R, m, c = len(requirements), len(attributes), len(labels)
        names = [attribute.name for attribute in attributes]
        label_at = {name: r for r, name in enumerate(labels)}
        targets = np.array([[attribute.pi] for attribute in attributes]).reshape(m, 1)
        low, high = np.full((2, R, m, c + 1), [[[[-NOTHING]]], [[[NOTHING]]]])
        label_low, label_high = np.full((2, R, c), [[[-NOTHING]], [[NOTHING]]])
        association, written = np.full((R, m, c), NOTHING), np.zeros((R, 3 * m + 1, c + 1))
        for number, requirement in enumerate(requirements):
            if requirement.written is not None:
                written[number] = requirement.written.vector.reshape(written[number].shape)
            tolerances = requirement.tolerances
            far = np.column_stack([tolerances.skew, tolerances.representation])
            low[number] = np.where(far < VACUOUS, targets - far, -NOTHING)
            high[number] = np.where(far < VACUOUS, targets + far, NOTHING)
            asked = tolerances.association < VACUOUS
            association[number] = np.where(asked, tolerances.association, NOTHING)
            for share in requirement.shares:
                if share.attribute is None:
                    least, most = label_low[number], label_high[number]
                    at = label_at[share.name]
                else:
                    least, most = low[number, :, c], high[number, :, c]
                    at = names.index(share.name)
                if share.sign > 0:
                    most[at] = min(most[at], share.bound)
                else:
                    least[at] = max(least[at], share.bound)
        bounded = np.flatnonzero(((label_low > -NOTHING) | (label_high < NOTHING)).any(axis=0))
        ends_of = (label_low[:, bounded], label_high[:, bounded])
        return cls(written, low, high, association, bounded, *ends_of)

    def excess(self, z: Matrix) -> float:
        """The largest by which a measure is beyond its bounds; 0 where none is.

        1 where nobody is left whom a measure that is to be defined is of.
        """
        share, association, label_share = found = self._measured(z)
        if any(np.isnan(one[of]).any() for one, of in zip(found, self.defined, strict=False)):
            return 1.0
        beyond = (
            share - self.high,
            self.low - share,
            association - self.association,
            label_share - self.label_high,
            self.label_low - label_share,
        )
        return max(float(np.nan_to_num(one, nan=0.0).max(initial=0.0)) for one in beyond)

    def eased(self, z: Matrix) -> "Bounds":
        """Bounds as far as these moments are from them, where they are beyond; what is bounded and
        of at least one sample in these is to be defined.
        """
        share, association, label_share = self._measured(z)
        return replace(
            self,
            defined=self._defined(z),
            low=-_reached(-self.low, -share),
            high=_reached(self.high, share),
            association=_reached(self.association, association),
            label_low=-_reached(-self.label_low, -label_share),
            label_high=_reached(self.label_high, label_share),
        )

    def wider(self, by: float) -> "Bounds":
        """Bounds that allow for so much more."""
        return replace(
            self,
            low=self.low - by,
            high=self.high + by,
            association=self.association + by,
            label_low=self.label_low - by,
            label_high=self.label_high + by,
        )

    def goal(self, wanted: Matrix, scale: Matrix) -> Goal:
        """To be near `wanted` and within these bounds."""
        m = wanted.shape[0] // 3
        carrying, others = (
            (self.written + wanted)[:, first : first + m, -1] for first in (0, 2 * m)
        )
        evenness = np.nan_to_num(ratio(carrying * others, carrying + others))
        return Goal(
            wanted,
            scale,
            self.written,
            self.low,
            self.high,
            self.association,
            evenness,
            self.bounded,
            self.label_low,
            self.label_high,
        )

    def _defined(self, z: Matrix) -> tuple[NDArray[np.bool_], ...]:
        """Which bounded measures are of at least one sample: as of `_measured`."""
        m, moments = z.shape[0] // 3, self.written + z
        s, n, o = (moments[:, first : first + m] for first in (0, m, 2 * m))
        bounded = (self.low > -NOTHING) | (self.high < NOTHING)
        both = np.minimum(s[..., -1:], o[..., -1:])
        return (bounded & (n >= 1), (self.association < NOTHING) & (both >= 1))

    def _measured(self, z: Matrix) -> tuple[Matrix, Matrix, Matrix]:
        """Shares of attributes by label and of all, the size of associations, shares of labels."""
        m, moments = z.shape[0] // 3, self.written + z
        s, n, o = (moments[:, first : first + m] for first in (0, m, 2 * m))
        y = moments[:, -1]
        association = ratio(s[..., :-1], s[..., -1:]) - ratio(o[..., :-1], o[..., -1:])
        return ratio(s, n), np.abs(association), ratio(y[:, self.bounded], y[:, -1:])


def _reached(bound: Matrix, found: Matrix) -> Matrix:
    """The larger of both, where they differ by more than a solver leaves open."""
    return np.where(found > bound + _ATTAINED, found, bound)
