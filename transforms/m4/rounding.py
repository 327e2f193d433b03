"""Which samples get one copy more or fewer, so that what is drawn meets its bounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.config.balance import ShareBound
from transforms.config.schema import Attribute
from transforms.m4.terms import VACUOUS, Tolerances
from transforms.statistics.measures import measures_of
from transforms.statistics.moments import Moments

_MOST = 500


@dataclass(frozen=True)
class Requirement:
    """Bounds on a corpus: what is `written` already and what is drawn, together."""

    tolerances: Tolerances
    shares: tuple[ShareBound, ...]
    written: Moments | None = None


@dataclass(frozen=True)
class Movable:
    """n samples whose copies can be changed by one: sign 1 for one more, -1 for one fewer."""

    s: NDArray[Any]
    y: sp.csr_array
    sign: NDArray[np.int8]


@dataclass(frozen=True)
class Rounded:
    """Which are changed, bool (n,); what is drawn then; its largest excess."""

    flips: NDArray[np.bool_]
    moments: Moments
    excess: float


def rounded(
    drawn: Moments,
    wanted: Moments,
    movable: Movable,
    attributes: tuple[Attribute, ...],
    requirements: Sequence[Requirement],
) -> Rounded:
    """Greedily: of each kind of sample the first, as long as that lessens the excess."""
    flips, moments, m = np.zeros(len(movable.sign), np.bool_), drawn, len(attributes)
    asked = requirements[0].tolerances

    def excesses(of: Moments) -> NDArray[np.float64]:
        found = measures_of(of, attributes)
        each = [found.RB - asked.representation, abs(found.AB) - asked.association]
        each += [abs(found.skew) - asked.skew]
        bounds = [asked.representation, asked.association, asked.skew]
        return np.concatenate(
            [
                np.where(b < VACUOUS, np.nan_to_num(e, nan=0.0), 0.0).ravel()
                for e, b in zip(each, bounds, strict=True)
            ]
        ).clip(0)

    rows = np.column_stack([movable.s, movable.y.toarray(), movable.sign])
    kinds, kind = np.unique(rows, axis=0, return_inverse=True)
    kind = kind.ravel()
    vectors = [
        Moments.of(attributes, k[None, :m], sp.csr_array(k[None, m:-1]), k[-1:]) for k in kinds
    ]
    for _ in range(_MOST):
        now = excesses(moments)
        if now.max(initial=0.0) <= 0:
            break
        left = np.bincount(kind[~flips], minlength=len(kinds))
        tried = [
            (excesses(moments.plus(v)) ** 2).sum() if n else np.inf
            for v, n in zip(vectors, left, strict=True)
        ]
        best = int(np.argmin(tried)) if tried else 0
        if not tried or tried[best] >= (now**2).sum():
            break
        flips[np.flatnonzero((kind == best) & ~flips)[0]] = True
        moments = moments.plus(vectors[best])
    return Rounded(flips, moments, float(excesses(moments).max(initial=0.0)))
