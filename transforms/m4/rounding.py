"""Which samples are taken one time more or fewer, so that what is drawn meets its bounds (ours).

A plan gives weights; what is drawn by them, floor or ceiling of each, misses the bounds by chance.
Here some of the choices between floor and ceiling are made anew: those that bring the measures
within their bounds, and all moments near what the plan wants. In each of a few rounds samples are
tried in order, and flipped where it helps by much, then by less, then at all; bounds count for
more, and are a little tighter, in each round than in the one before, until they are met. No random
numbers: the same samples give the same flips.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.config.schema import Attribute
from transforms.m4.required import Bounds, Requirement
from transforms.m4.rounding_kernels import CandidateArrays, Goal, sweep
from transforms.statistics.moments import Moments

Matrix = NDArray[np.float64]
EXACT = 1e-12
_ROUNDS = 12
_WEIGHT, _HEAVIER = 16.0, 2.0
_MARGIN = 0.5
_FINEST, _FEW = 1 / 32, 0.01
_EASINGS = 6


@dataclass(frozen=True)
class Movable:
    """n samples whose copies can be changed by one, each once.

    s is (n, m), 0/1 or probabilities, y the 0/1 labels (n, c); sign, int8 (n,), is +1 where there
    can be one copy more, -1 where there can be one fewer.
    """

    s: NDArray[np.generic]
    y: sp.csr_array
    sign: NDArray[np.int8]


@dataclass(frozen=True)
class Rounded:
    """Which of the movable samples are changed, (n,), and the moments of what is drawn then.

    excess is the largest by which a measure is beyond what is required, excess_over_plan likewise
    beyond what is required or, where the weights themselves miss that, what they attain. Up to
    EXACT is 0: all is met.
    """

    flips: NDArray[np.bool_]
    moments: Moments
    excess: float
    excess_over_plan: float


def rounded(
    drawn: Moments,
    wanted: Moments,
    movable: Movable,
    attributes: tuple[Attribute, ...],
    requirements: Sequence[Requirement],
    labels: Sequence[str],
) -> Rounded:
    """What to flip of what was `drawn`, so that it meets what is required: nothing, where it does.

    drawn and wanted are sums over the samples, of copies and of weights. Where the weights miss a
    bound themselves, they say what is aimed at. Where flips do not suffice, the smallest of the
    largest excesses that were found.
    """
    shape = (3 * len(attributes) + 1, len(labels) + 1)
    z, asked = drawn.vector.reshape(shape), Bounds.of(requirements, attributes, labels)
    attainable = asked.eased(wanted.vector.reshape(shape))
    flips = np.zeros(len(movable.sign), np.bool_)
    if attainable.excess(z) > EXACT and len(flips):
        search = _Search(_candidates(movable, attributes), wanted.vector.reshape(shape))
        flips = search.smallest(attainable, _Found(flips, z, attainable.excess(z))).flips
    steps = np.where(flips, movable.sign, 0).astype(np.float64)
    moments = drawn.plus(Moments.of(attributes, movable.s, movable.y, steps))
    z = moments.vector.reshape(shape)
    return Rounded(flips, moments, asked.excess(z), attainable.excess(z))


@dataclass(frozen=True)
class _Found:
    """Flips, the moments that they lead to, and the largest excess over what is attainable."""

    flips: NDArray[np.bool_]
    z: Matrix
    excess: float


class _Search:
    """Sweeps over candidates, towards the moments wanted and bounds."""

    def __init__(self, candidates: CandidateArrays, wanted: Matrix) -> None:
        self._candidates = candidates
        self._wanted = wanted
        self._scale = 1 / (1 + wanted)
        self._scale[:, -1] = np.sqrt(self._scale[:, -1])
        self._weight = _WEIGHT / (1 + math.fsum(wanted[-1]) / wanted.shape[1])

    def smallest(self, bounds: Bounds, start: _Found) -> _Found:
        """The flips of the smallest excess found: where not all is met, in wider bounds."""
        best = self._within(bounds, bounds, start)
        met = 0.0
        for _ in range(_EASINGS):
            if best.excess <= EXACT:
                break
            aimed = (met + best.excess) / 2
            found = self._within(bounds.wider(aimed), bounds, best)
            if found.excess > aimed:
                met = aimed
            best = min(best, found, key=lambda one: one.excess)
        return best

    def _within(self, aimed: Bounds, bounds: Bounds, start: _Found) -> _Found:
        """The best on the way into the bounds aimed at, or the first within them."""
        goal, best = aimed.goal(self._wanted, self._scale), start
        flips, z = start.flips.copy(), start.z.copy()
        for number in range(_ROUNDS):
            weight = self._weight * _HEAVIER**number
            self._descended(weight, _MARGIN * number, goal, z, flips, aimed.excess)
            excess = bounds.excess(z)
            if excess < best.excess:
                best = _Found(flips.copy(), z.copy(), excess)
            if aimed.excess(z) <= EXACT:
                break
        return best

    def _descended(
        self,
        weight: float,
        margin: float,
        goal: Goal,
        z: Matrix,
        flips: NDArray[np.bool_],
        excess: Callable[[Matrix], float],
    ) -> None:
        """Sweep, in place, for changes that help much, then less, until few are left.

        Or until all is met, but for the first time: that brings all moments near what is wanted.
        """

        def swept(least: float) -> tuple[int, float]:
            flipped, most = sweep.alone(weight, margin, least, goal, z, self._candidates, flips)
            return int(flipped), float(most)

        _, most = swept(np.inf)
        least, finest = most / 2, most * _FINEST
        while True:
            flipped, most = swept(least)
            if least == 0.0 and flipped <= _FEW * np.count_nonzero(flips):
                break
            if margin > 0.0 and excess(z) <= EXACT:
                break
            least = min(least, most) / 2
            least = least if least >= finest else 0.0


def _candidates(movable: Movable, attributes: tuple[Attribute, ...]) -> CandidateArrays:
    groups = [attribute.group for attribute in attributes]
    return CandidateArrays(
        np.ascontiguousarray(movable.s, np.float64),
        movable.y.indptr.astype(np.int64) + np.arange(len(movable.sign) + 1),
        np.insert(movable.y.indices.astype(np.int64), movable.y.indptr[1:], movable.y.shape[1]),
        movable.sign.astype(np.float64),
        np.array([groups.index(group) for group in groups], np.int64),
        np.array([attribute.share_of == "all" for attribute in attributes], np.bool_),
    )
