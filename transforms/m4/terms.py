"""The terms of an M4 problem: what its constraints integrate, and how far each may be from 0.

With D_k = s_k - pi_k n_k, A_k = s_k - p_k g_k and B_k = (1 - p_k)^2 s_k + p_k^2 (g_k - s_k), a
corpus of weights q is held to

    representation bias  |E[q D_k]|              <=  tolerance E[q n_k]
    label skew           |E[q D_k y_r]|          <=  tolerance E[q n_k y_r]
    association bias     |E[q A_k (y_r - e_kr)]| <=  tolerance E[q B_k]

    share bounds         E[q (s_k - b n_k)] <= 0 at most b, >= 0 at least b; E[q (y_r - b)] likewise

where n_k is 1 for a share of all samples and, for a share of a group, the number of its attributes
that the sample carries; g_k = min(n_k, 1) says who takes part. The first two are the measures
themselves. The third is AB where p_k and e_kr are the shares of attribute k and of label r among
those who take part; elsewhere it is off by second order only, for

    E[q A_k (y_r - e_kr)] = Cov(s_k, y_r) + (share of k - p_k) (share of r - e_kr)    (times E[q g])
    AB_kr = Cov(s_k, y_r) / Var(s_k),   and E[q B_k] is the tangent of Var(s_k) at p_k.

The measures: Alabdulmohsin et al., "CLIP the Bias", ICLR 2024 (arXiv 2403.04547); this linear form,
label skew and shares of a group are ours.

Bounds hold of the union of what is balanced and what was written before, if anything was. Where
some are asked of a generation by itself, its m attributes follow the union's m as attributes of
their own, with tolerances and centres of their own: m' is 2 m there, and m elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transforms.config.balance import Kind, ShareBound
from transforms.config.schema import Attribute
from transforms.statistics.moments import Moments, share_base

Matrix = NDArray[np.float64]
VACUOUS = 1.0


@dataclass(frozen=True)
class Tolerances:
    """How far a measure may be from 0; from 1 on nothing is asked.

    representation is float64 (m',); association and skew are float64 (m', c).
    """

    representation: Matrix
    association: Matrix
    skew: Matrix


@dataclass(frozen=True)
class Terms:
    """All of a problem but its corpus.

    centres, float64 (m',), and label_centres, (m', c), are the p_k and e_kr around which
    associations are linear; eta is the rate, Q the largest weight, V the largest price, but of
    kinds that have another. generation: whether bounds on one by itself are among the tolerances.
    """

    attributes: tuple[Attribute, ...]
    labels: tuple[str, ...]
    tolerances: Tolerances
    centres: Matrix
    label_centres: Matrix
    eta: float
    Q: float
    V: float
    other_V: Mapping[Kind, float] = field(default_factory=dict)
    shares: tuple[ShareBound, ...] = ()
    generation: bool = False

    @property
    def scopes(self) -> int:
        """How often each attribute is held to bounds: in the union, and in a generation."""
        return 1 + self.generation

    @property
    def subjects(self) -> int:
        """m', the number of attributes that tolerances, centres and prices are of."""
        return self.scopes * len(self.attributes)

    def V_of(self, kind: Kind) -> float:
        """The largest price of a kind of constraints."""
        return self.other_V.get(kind, self.V)

    @property
    def everybody(self) -> int:
        """How many columns integrands have that are the same for all: 1 where shares of labels are
        bounded.
        """
        return int(any(bound.label is not None for bound in self.shares))

    @property
    def bounds_skew(self) -> bool:
        """Whether the label skew is bounded anywhere."""
        return bool((self.tolerances.skew < VACUOUS).any())


@dataclass(frozen=True)
class Integrands:
    """What constraints integrate, for n samples or groups of equal s, float64 (n, m') each.

    share is D, base is n_k, contrast is A, spread is B. Where shares of labels are bounded, there
    is one more column, of everybody: 1 in contrast, and 0 in the others.
    """

    share: Matrix
    base: Matrix
    contrast: Matrix
    spread: Matrix

    def __getitem__(self, rows: "NDArray[np.int64] | slice") -> "Integrands":
        return Integrands(self.share[rows], self.base[rows], self.contrast[rows], self.spread[rows])

    def with_everybody(self, contrast: Matrix) -> "Integrands":
        """With the column of everybody, whose contrast is given, (n,)."""
        none = np.zeros(len(contrast))
        columns = ((self.share, none), (self.base, none), (self.contrast, contrast))
        padded = (np.column_stack(pair) for pair in (*columns, (self.spread, none)))
        return Integrands(*padded)


def integrands_of(s: NDArray[np.generic], terms: Terms) -> Integrands:
    """The integrands of sensitive attributes s, (n, m), 0/1 or probabilities."""
    carried = s.astype(np.float64)
    base = np.column_stack(
        [share_base(carried, terms.attributes, k) for k in range(carried.shape[1])]
    )
    among = np.minimum(base, 1.0)
    if terms.generation:
        carried, base, among = (np.tile(each, terms.scopes) for each in (carried, base, among))
    targets, centres = _targets(terms), terms.centres
    spread = (1 - centres) ** 2 * carried + centres**2 * (among - carried)
    found = Integrands(carried - targets * base, base, carried - centres * among, spread)
    return found.with_everybody(np.ones(len(s))) if terms.everybody else found


def integrated(moments: Moments, terms: Terms) -> Integrands:
    """The moments' masses times each of the constraints' integrands, (c + 1, m') each."""
    targets, p = _targets(terms), terms.centres
    s, n, o = (np.tile(each.T, terms.scopes) for each in (moments.s, moments.n, moments.o))
    spread = (1 - p) ** 2 * s + p**2 * o
    found = Integrands(s - targets * n, n, (1 - p) * s - p * o, spread)
    return found.with_everybody(moments.y) if terms.everybody else found


def _targets(terms: Terms) -> Matrix:
    """The targets, (m',)."""
    return np.tile([attribute.pi for attribute in terms.attributes], terms.scopes)
