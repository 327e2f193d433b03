"""Bounds on shares that no weights of some samples can meet, each by itself: nothing is solved.

For samples of the probabilities p beside written ones of the moments W, per sample, the least
E[q a] over all weights 0 <= q <= Q of mean eta is a fractional knapsack (Dantzig, 1957), solved by
one sort. Where that and W's own E[a] are above 0, no weights meet the bound, whatever the others.
"""

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.m4.constraints import (
    REPRESENTATION,
    SHARE,
    Constraint,
    ConstraintTable,
    constraints_under,
)
from transforms.m4.shortfall import knapsack
from transforms.m4.terms import VACUOUS, Terms, integrands_of
from transforms.statistics.moments import Moments

Vector = NDArray[np.float64]
_MATERIAL = 1e-3


def out_of_reach(
    terms: Terms,
    s: NDArray[np.generic],
    y: sp.csr_array,
    counts: Vector,
    written: Moments | None = None,
    at_any_rate: bool = False,
) -> tuple[Constraint, ...]:
    """The bounds on shares that rows of s (n, m) and y (n, c), `counts` samples each, cannot meet.

    Together with samples whose sums are `written`, if there are any: by more than 0.001 of all.
    Of association bias and label skew nothing is said. at_any_rate: at no rate, not at that of the
    terms alone.
    """
    samples = float(counts.sum())
    nobody = Moments.of(terms.attributes, s[:0], y[:0], np.zeros(0))
    beside = (nobody if written is None else written).over(samples)
    rate = terms.Q if at_any_rate else terms.eta
    found = []
    for constraint, mass, scores, constant in _bounds(terms, s, y, counts / samples, beside):
        least = terms.Q * float(mass @ np.minimum(scores, 0.0))
        if not at_any_rate:
            least = knapsack(mass, scores, rate, terms.Q).least
        if least + constant > _MATERIAL * (rate + beside.total):
            found.append(constraint)
    return tuple(found)


def _bounds(
    terms: Terms, s: NDArray[np.generic], y: sp.csr_array, p: Vector, beside: Moments
) -> Iterator[tuple[Constraint, Vector, Vector, float]]:
    """Each bound: its masses and its a of some kinds of samples, and the written ones' E[a]."""
    table, at = ConstraintTable.of(terms), integrands_of(s, terms)
    asked = (table.kind == REPRESENTATION) & (table.tolerance < VACUOUS) | (table.kind == SHARE)
    constraints = constraints_under(terms)
    for i in np.flatnonzero(asked).tolist():
        sign, k, r = table.sign[i], table.attribute[i], table.label[i]
        if table.associated[i]:
            b, carried = table.centre[i], float((p @ y)[r])
            scores = sign * np.array([-b, 1 - b])
            constant = sign * (beside.y[r] - b * beside.total)
            yield constraints[i], np.array([1 - carried, carried]), scores, float(constant)
        else:
            allowed, m = table.tolerance[i], len(terms.attributes)
            base = 0.0 if k >= m else beside.n[k, -1]
            share = 0.0 if k >= m else beside.s[k, -1] - terms.attributes[k].pi * base
            scores = sign * at.share[:, k] - allowed * at.base[:, k]
            yield constraints[i], p, scores, float(sign * share - allowed * base)
