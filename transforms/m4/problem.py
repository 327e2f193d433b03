"""The M4 problem on a histogram: its constraints, their prices as one vector, their means.

Source: Alabdulmohsin et al., "CLIP the Bias", ICLR 2024 (arXiv 2403.04547), whose algorithm 1
solves it; what the constraints are is said in transforms/m4/terms.py. The problem is

    minimise  1/2 E[(q - eta u)^2] + V sum_i max(0, E[q a_i] + w_i)   over  0 <= q <= Q, E[q] = eta

and its solution is transforms/m4/weights.py. w is 0 but where there is a written part, which no
weight can change: w_i is the sum of a_i over it, for each sample that is weighed. Constraints on a
generation by itself have no such constant.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.m4.constraints import (
    SHARE,
    Constraint,
    ConstraintTable,
    both_sides,
    constraints_under,
    flattened,
    unflattened,
)
from transforms.m4.incidence import Pairs
from transforms.m4.terms import Integrands, Terms, integrands_of, integrated
from transforms.m4.weights import Duals
from transforms.statistics.histogram import Histogram, distinct_rows
from transforms.statistics.moments import Moments
from transforms.statistics.patterns import BINS_PER_OCTAVE, utility_widths

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """The M4 problem on a histogram of P patterns.

    probabilities and utility are float64 (P,); s holds the G distinct values of the sensitive
    attributes, (G, m), and group, int64 (P,), which of them a pattern has; y is the 0/1 labels
    (P, c). utility_variance bounds the mean variance of u within a bin. written are the moments of
    what was written before, for each sample of the corpus. Where the patterns are a sample, surplus
    says by how much the corpus's mean moments are above the sample's under weights much like the
    solution's, and every constraint is to hold with `margin` to spare.
    """

    terms: Terms
    probabilities: Matrix
    utility: Matrix
    group: NDArray[np.int64]
    s: NDArray[np.generic]
    y: sp.csr_array
    pairs: Pairs
    utility_variance: float
    surplus: Moments | None = None
    margin: float = 0.0
    written: Moments | None = None

    def under(self, terms: Terms) -> "Problem":
        """The problem on the same corpus under other terms."""
        return replace(self, terms=terms)

    @property
    def utility_error_bound(self) -> float:
        """By how much binning u can change the optimum, in the objective's units."""
        return self.terms.eta**2 / 2 * self.utility_variance

    @cached_property
    def constant_biases(self) -> Matrix | float:
        """What is added to E[q a] of the patterns, (K,): what is written, surplus and margin."""
        if self.surplus is None:
            return self.written_biases
        surplus = self.expected_biases(integrated(self.surplus, self.terms))
        return surplus + self.margin + self.written_biases

    @cached_property
    def written_biases(self) -> Matrix | float:
        """w, (K,): 0 where nothing was written before."""
        if self.written is None:
            return 0.0
        biases = self.expected_biases(integrated(self.written, self.terms))
        return np.where(self.of_generation, 0.0, biases)

    @cached_property
    def written_bases(self) -> Matrix | float:
        """The mass of what is written that each constraint is on, (K,), for each sample."""
        if self.written is None:
            return 0.0
        table, found = ConstraintTable.of(self.terms), integrated(self.written, self.terms)
        of_all, by_label = found.spread[-1, table.attribute], (table.label, table.attribute)
        bases = np.where(table.associated, of_all, found.base[by_label])
        return np.where(self.of_generation, 0.0, bases)

    @cached_property
    def of_generation(self) -> NDArray[np.bool_]:
        """Which constraints are on a generation by itself, (K,)."""
        table, m = ConstraintTable.of(self.terms), len(self.terms.attributes)
        return np.asarray((table.kind != SHARE) & (table.attribute >= m))

    def union(self, moments: Moments, samples: float = 1.0) -> Moments:
        """Moments of the corpus, over so many samples, and of what was written before, together."""
        return moments if self.written is None else moments.plus(self.written.times(samples))

    def around(self, moments: Moments, samples: float = 1.0) -> Terms:
        """The terms with associations linear around the shares that such moments say."""
        attributes, terms = self.terms.attributes, self.terms
        found = [self.union(moments, samples), moments][: terms.scopes]
        centres, label_centres = zip(*(one.centres(attributes) for one in found), strict=True)
        return replace(
            terms, centres=np.concatenate(centres), label_centres=np.concatenate(label_centres)
        )

    @property
    def rate(self) -> float:
        """The mean q of the patterns: eta, less what the corpus has more."""
        return self.terms.eta - (0.0 if self.surplus is None else self.surplus.total)

    @cached_property
    def integrands(self) -> Integrands:
        """What the constraints integrate, (G, m) each: a row a distinct s."""
        return integrands_of(self.s, self.terms)

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """Every constraint, in the order of the price vector (transforms/m4/constraints.py)."""
        return constraints_under(self.terms)

    def vector_of(self, duals: Duals) -> Matrix:
        """The prices as one vector."""
        return flattened(duals.by_kind, self.terms)

    def duals_of(self, prices: Matrix, mu: float) -> Duals:
        """The inverse of `vector_of`."""
        return Duals(mu, **unflattened(prices, self.terms))

    def expected_biases(self, moments: Integrands) -> Matrix:
        """E[q a] in the order of `constraints`, of the integrands' moments, (c + 1, m') each.

        Row r of `moments` is E[q y_r x] of each integrand x, and the last row is E[q x].
        """
        tolerances = self.terms.tolerances
        m = self.terms.subjects
        share, base = moments.share.T[:m], moments.base.T[:m]
        contrast, spread = moments.contrast.T[:m], moments.spread.T[:m]
        centred = contrast[:, :-1] - self.terms.label_centres * contrast[:, -1:]
        return flattened(
            {
                "representation": both_sides(share[:, -1], tolerances.representation * base[:, -1]),
                "association": both_sides(centred, tolerances.association * spread[:, -1:]),
                "skew": both_sides(share[:, :-1], tolerances.skew * base[:, :-1]),
                "share": self._share_biases(moments),
            },
            self.terms,
        )

    def _share_biases(self, moments: Integrands) -> Matrix:
        """E[q a] of the bounds on shares, (S,)."""
        table = ConstraintTable.of(self.terms)
        rows = table.some(np.flatnonzero(table.kind == SHARE))
        k, none = rows.attribute, len(self.terms.labels)
        at_all, by_label = (none, k), (rows.label, k)
        of_labels = moments.contrast[by_label] - rows.centre * moments.contrast[at_all]
        value = np.where(rows.associated, of_labels, moments.share[at_all])
        return np.asarray(rows.sign * value - rows.tolerance * moments.base[at_all])


def problem_of(histogram: Histogram, terms: Terms, written: Moments | None = None) -> Problem:
    """The problem on `histogram`, whose attributes are those of `terms`, in this order.

    written are the moments of what was written before, if anything was, summed. Raises
    FairshardError where there is nothing to balance.
    """
    if not histogram.samples:
        raise FairshardError(
            "the histogram counts no samples, so there is nothing to balance; check the rejects "
            "and the quality filter"
        )
    if not histogram.utility_sums.any():
        raise FairshardError(
            "the utility of every sample is 0, so no sample is worth keeping; check "
            "utility.field and utility.scale"
        )
    probabilities = histogram.counts / histogram.samples
    distinct, group = distinct_rows(histogram.s)
    return Problem(
        terms,
        probabilities,
        histogram.utility,
        group,
        distinct,
        histogram.y,
        Pairs.of(group, histogram.y),
        _utility_variance(histogram, probabilities),
        written=written and written.over(histogram.samples),
    )


def _utility_variance(histogram: Histogram, probabilities: Matrix) -> float:
    """A bound on E[Var(u | bin)], each variance at most (high - mean) (mean - low).

    That bound is Bhatia and Davis (2000); it is 0 where all samples lie on the bin's edge.
    """
    bins = histogram.utility_bins
    width = utility_widths(bins)
    above = histogram.utility - width * (BINS_PER_OCTAVE + bins % BINS_PER_OCTAVE)
    return float(probabilities @ np.maximum(above * (width - above), 0.0))
