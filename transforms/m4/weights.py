"""The weight that prices give to a sample: all that a worker needs of the solved problem.

Source: Alabdulmohsin et al., "CLIP the Bias", ICLR 2024 (arXiv 2403.04547): the solution of M4 is
q = clip(eta u - v . a - mu, 0, Q), with prices v in [0, V]. What a is: transforms/m4/terms.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from transforms.config.balance import Kind
from transforms.m4.terms import Integrands, Terms, integrands_of

if TYPE_CHECKING:
    import scipy.sparse as sp

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Duals:
    """The dual variables: mu, and the prices v by kind (transforms/m4/constraints.py)."""

    mu: float
    representation: Matrix
    association: Matrix
    skew: Matrix
    share: Matrix = field(default_factory=lambda: np.zeros(0))

    @property
    def by_kind(self) -> dict[Kind, Matrix]:
        """The prices."""
        return {
            "representation": self.representation,
            "association": self.association,
            "skew": self.skew,
            "share": self.share,
        }


def bias_scores(integrands: Integrands, labels: sp.csr_array, duals: Duals, terms: Terms) -> Matrix:
    """v . a(s, y), without mu, float64 (n,), of n samples with 0/1 labels (n, c).

    Every sum runs in a fixed order and multiplies by 0/1 labels only, so machines agree.
    """
    labels = labels if labels.has_sorted_indices else labels.sorted_indices()
    representation, association, skew = duals.representation, duals.association, duals.skew
    tolerances = terms.tolerances
    by_label = association[0] - association[1]
    associated = labels @ np.ascontiguousarray(by_label.T)
    skewed = labels @ np.ascontiguousarray((skew[0] - skew[1]).T)
    skew_allowed = labels @ np.ascontiguousarray((tolerances.skew * (skew[0] + skew[1])).T)
    allowed = tolerances.representation * (representation[0] + representation[1])
    association_allowed = tolerances.association * (association[0] + association[1])
    scores = np.zeros(labels.shape[0])
    for k in range(terms.subjects):
        plain = representation[0, k] - representation[1, k]
        scores += integrands.share[:, k] * (plain + skewed[:, k])
        scores -= integrands.base[:, k] * (allowed[k] + skew_allowed[:, k])
        centred = associated[:, k] - math.fsum(by_label[k] * terms.label_centres[k])
        scores += integrands.contrast[:, k] * centred
        scores -= integrands.spread[:, k] * math.fsum(association_allowed[k])
    return scores + _share_scores(integrands, labels, duals, terms) if terms.shares else scores


def _share_scores(
    integrands: Integrands, labels: sp.csr_array, duals: Duals, terms: Terms
) -> Matrix:
    """What the bounds on shares add: sign v (s_k - b n_k), sign v (y_r - b)."""
    scores, by_label = np.zeros(labels.shape[0]), np.zeros(labels.shape[1])
    names, paid = [attribute.name for attribute in terms.attributes], []
    for share, price in zip(terms.shares, duals.share.tolist(), strict=True):
        signed = share.sign * price
        if share.attribute is None:
            by_label[terms.labels.index(share.label or "")] += signed
            paid.append(signed * share.bound)
            continue
        k = names.index(share.attribute)
        above = terms.attributes[k].pi - share.bound
        scores += signed * (integrands.share[:, k] + above * integrands.base[:, k])
    return np.asarray(scores + labels @ by_label - math.fsum(paid))


def clipped(utility: Matrix, scores: Matrix, mu: float, terms: Terms) -> Matrix:
    """q = clip(eta u - v . a - mu, 0, Q), float64 (n,)."""
    return np.clip(terms.eta * utility - scores - mu, 0.0, terms.Q)


def weights_of(
    s: NDArray[np.generic], y: sp.csr_array, utility: Matrix, terms: Terms, duals: Duals
) -> Matrix:
    """The weights q in [0, Q], float64 (n,), of samples given as s (n, m), y (n, c), u (n,)."""
    scores = bias_scores(integrands_of(s, terms), y, duals, terms)
    return clipped(utility, scores, duals.mu, terms)
