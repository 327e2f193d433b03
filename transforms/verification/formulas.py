"""The formulas of the method, written out constraint by constraint for rows of samples.

Source: Alabdulmohsin et al., "CLIP the Bias", ICLR 2024 (arXiv 2403.04547), and docs/method.md.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from transforms.verification.stated import Stated, StatedConstraint

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class LabelledRows:
    """Some rows of what is `stated`: s, float64 (n, m), 0/1 or probabilities; y, bool (n, c); and
    u, float64 (n,).
    """

    stated: Stated
    s: Vector
    y: NDArray[np.bool_]
    u: Vector

    @classmethod
    def of(cls, stated: Stated, flags: NDArray[np.generic], u: Vector) -> Self:
        """The rows with these flags, 0/1 (n, m + c), attributes first."""
        m, carried = len(stated.attributes), flags.astype(np.bool_)
        s = np.asfortranarray(carried[:, :m], dtype=np.float64)
        for odds in stated.odds:
            s[:, odds.k] = odds.probability(carried)
        return cls(stated, s, np.asfortranarray(carried[:, m:]), u)

    def take(self, places: NDArray[np.int64]) -> Self:
        """The rows at these places."""
        return replace(self, s=self.s[places], y=self.y[places], u=self.u[places])

    @cached_property
    def n(self) -> Vector:
        """n_k, (n, m): 1, or how many attributes of k's group a row carries."""
        counted = self.s @ self.stated.members.astype(np.float64)
        return np.asfortranarray(np.where(self.stated.of_group, counted, 1.0))

    @cached_property
    def g(self) -> Vector:
        """g_k, (n, m): who takes part in k's association."""
        return np.minimum(self.n, 1.0)


def integrand(constraint: StatedConstraint, rows: LabelledRows) -> Vector:
    """a_i of each row, (n,): what the constraint E[q a_i] <= 0 integrates."""
    stated, k, r = rows.stated, constraint.k, constraint.r
    sign, tolerance = constraint.entry.sign, constraint.entry.tolerance
    bound = constraint.entry.bound or 0.0
    if k < 0:
        return np.asarray(sign * (rows.y[:, r] - bound))
    s, n, g = rows.s[:, k], rows.n[:, k], rows.g[:, k]
    pi, (p, e) = np.nan_to_num(stated.targets[k]), centres_of(constraint, stated)
    if constraint.entry.kind == "share":
        a = sign * (s - bound * n)
    elif constraint.entry.kind == "representation":
        a = sign * (s - pi * n) - tolerance * n
    elif constraint.entry.kind == "skew":
        a = (sign * (s - pi * n) - tolerance * n) * rows.y[:, r]
    else:
        spread = (1 - p) ** 2 * s + p**2 * (g - s)
        a = sign * (s - p * g) * (rows.y[:, r] - e) - tolerance * spread
    return np.asarray(a)


def centres_of(constraint: StatedConstraint, stated: Stated) -> tuple[float, float]:
    """The shares of attribute and label around which an association is linear."""
    own, k, r = constraint.entry.generation, constraint.k, constraint.r
    share = stated.own_centres[k] if own else stated.centres[k]
    of_labels = stated.own_label_centres if own else stated.label_centres
    return float(share), float(of_labels[k, r]) if r >= 0 else 0.0


def weights(rows: LabelledRows) -> tuple[Vector, Vector]:
    """q = clip(eta u - v . a - mu, 0, Q) of each row, and the size of what was added up for it."""
    stated = rows.stated
    free = stated.eta * rows.u - stated.mu
    size = np.abs(stated.eta * rows.u) + abs(stated.mu)
    for constraint in stated.constraints:
        if constraint.entry.price != 0:
            part = constraint.entry.price * integrand(constraint, rows)
            free -= part
            size += np.abs(part)
    return np.clip(free, 0.0, stated.Q), size
