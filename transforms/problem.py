"""The M4 problem: its constraints, its prices, and the weight that they give to a sample.

Source: Alabdulmohsin et al., "CLIP the Bias", ICLR 2024 (arXiv 2403.04547), whose algorithm 1
solves it; the label skew and shares of a group are ours. The problem is

    minimise  1/2 E[(q - eta u)^2] + V sum_i max(0, E[q a_i])   over  0 <= q <= Q, E[q] = eta

and its solution is q = clip(eta u - v . a - mu, 0, Q), with prices v in [0, V].
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.config import Balance
from transforms.errors import FairshardError
from transforms.histogram import BINS_PER_OCTAVE, Histogram, utility_widths
from transforms.schema import Attribute

Kind = Literal["representation", "association", "skew"]
_SUBJECTS: dict[Kind, str] = {
    "representation": "share of {0}",
    "association": "association of {0} with {1}",
    "skew": "share of {0} within {1}",
}


def deviations(s: NDArray[np.bool_], attributes: tuple[Attribute, ...]) -> NDArray[np.float64]:
    """D, float64 (n, m), of the sensitive attributes s, bool (n, m).

    D_k = s_k - pi_k where pi_k is a share of all samples; s_k - pi_k n_G where it is a share of
    k's group, n_G being how many attributes of the group the sample carries.
    """
    deviation = s.astype(np.float64)
    for k, attribute in enumerate(attributes):
        deviation[:, k] -= attribute.target * share_base(s, attributes, k)
    return deviation


def share_base(
    s: NDArray[np.bool_], attributes: tuple[Attribute, ...], k: int
) -> NDArray[np.float64]:
    """What attribute k's share is taken of, float64 (n,): 1 a sample, or its n_G."""
    if attributes[k].share_of == "all":
        return np.ones(len(s))
    members = [other.group == attributes[k].group for other in attributes]
    return np.asarray(s[:, members].sum(axis=1), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Constraint:
    """One one-sided constraint E[q a_i] <= 0; sign +1 caps from above, -1 from below."""

    kind: Kind
    attribute: str
    label: str | None
    sign: int

    @property
    def name(self) -> str:
        """The constraint in words: what is capped, and on which side."""
        subject = _SUBJECTS[self.kind].format(self.attribute, self.label)
        return f"{subject}, {'from above' if self.sign > 0 else 'from below'}"


@dataclass(frozen=True)
class Duals:
    """The dual variables: mu, and the prices v by kind; index 0 is sign +1, index 1 is sign -1.

    representation is float64 (2, m); association and skew are float64 (2, m, c).
    """

    mu: float
    representation: NDArray[np.float64]
    association: NDArray[np.float64]
    skew: NDArray[np.float64]


def bias_scores(
    deviation: NDArray[np.float64], labels: sp.csr_array, duals: Duals, balance: Balance
) -> NDArray[np.float64]:
    """v . a(s, y), without mu, float64 (n,), of deviations (n, m) and 0/1 labels (n, c).

    Every sum runs in a fixed order and multiplies by 0/1 labels only, so machines agree.
    """
    labels = labels if labels.has_sorted_indices else labels.sorted_indices()
    representation, association, skew = duals.representation, duals.association, duals.skew
    by_label = association[0] - association[1] + skew[0] - skew[1]
    priced = labels @ np.ascontiguousarray(by_label.T)
    free = balance.eps_R * math.fsum(representation.flat)
    free += balance.eps_D * math.fsum(association.flat)
    scores = np.full(len(deviation), -free)
    for k in range(deviation.shape[1]):
        scores += deviation[:, k] * (representation[0, k] - representation[1, k] + priced[:, k])
    if balance.delta is not None:
        scores -= balance.delta * (labels @ skew.sum(axis=(0, 1)))
    return scores


def clipped(
    utility: NDArray[np.float64], scores: NDArray[np.float64], mu: float, balance: Balance
) -> NDArray[np.float64]:
    """q = clip(eta u - v . a - mu, 0, Q), float64 (n,)."""
    return np.clip(balance.eta * utility - scores - mu, 0.0, balance.Q)


def weights_of(
    s: NDArray[np.bool_],
    y: sp.csr_array,
    utility: NDArray[np.float64],
    attributes: tuple[Attribute, ...],
    duals: Duals,
    balance: Balance,
) -> NDArray[np.float64]:
    """The weights q in [0, Q], float64 (n,), of samples given as s (n, m), y (n, c), u (n,)."""
    scores = bias_scores(deviations(s, attributes), y, duals, balance)
    return clipped(utility, scores, duals.mu, balance)


@dataclass(frozen=True)
class Problem:
    """The M4 problem on a histogram of P patterns.

    probabilities and utility are float64 (P,); group is int64 (P,), the row of `deviations`,
    float64 (G, m), that holds the pattern's D; y is the 0/1 labels (P, c).
    utility_error_bound is by how much binning u can change the optimum, in the objective's units.
    """

    attributes: tuple[str, ...]
    labels: tuple[str, ...]
    balance: Balance
    probabilities: NDArray[np.float64]
    utility: NDArray[np.float64]
    group: NDArray[np.int64]
    deviations: NDArray[np.float64]
    y: sp.csr_array
    utility_error_bound: float

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """Every constraint, in the order of the price vector (see `vector_of`)."""
        kinds: list[Kind] = ["association"]
        if self.balance.delta is not None:
            kinds.append("skew")
        plain = [
            Constraint("representation", attribute, None, sign)
            for sign in (1, -1)
            for attribute in self.attributes
        ]
        labelled = [
            Constraint(kind, attribute, label, sign)
            for kind in kinds
            for sign in (1, -1)
            for attribute in self.attributes
            for label in self.labels
        ]
        return tuple(plain + labelled)

    def vector_of(self, duals: Duals) -> NDArray[np.float64]:
        """The prices as one vector: representation, association, then skew where it is asked."""
        parts = [duals.representation, duals.association]
        if self.balance.delta is not None:
            parts.append(duals.skew)
        return np.concatenate([part.ravel() for part in parts])

    def duals_of(self, prices: NDArray[np.float64], mu: float) -> Duals:
        """The inverse of `vector_of`."""
        m, c = len(self.attributes), len(self.labels)
        representation, association = prices[: 2 * m], prices[2 * m : 2 * m * (c + 1)]
        skew = prices[2 * m * (c + 1) :] if self.balance.delta is not None else np.zeros(2 * m * c)
        return Duals(
            mu,
            representation.reshape(2, m),
            association.reshape(2, m, c),
            skew.reshape(2, m, c),
        )

    def expected_biases(
        self, moments: NDArray[np.float64], label_mass: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """E[q a] in the order of `constraints`.

        moments is (m, c + 1): E[q D_k y_r], and E[q D_k] in the last column; label_mass is
        (c + 1,): E[q y_r], and E[q] last.
        """
        rate = label_mass[-1]
        signed = np.stack([moments, -moments])
        plain, labelled = signed[:, :, -1], signed[:, :, :-1]
        parts = [plain - self.balance.eps_R * rate, labelled - self.balance.eps_D * rate]
        if self.balance.delta is not None:
            parts.append(labelled - self.balance.delta * label_mass[:-1])
        return np.concatenate([part.ravel() for part in parts])


def problem_of(
    histogram: Histogram, attributes: tuple[Attribute, ...], balance: Balance
) -> Problem:
    """The problem on `histogram`, whose attributes are `attributes` in this order.

    Raises FairshardError where there is nothing to balance.
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
    changes = np.any(histogram.s[1:] != histogram.s[:-1], axis=1)
    first = np.flatnonzero(np.concatenate([[True], changes]))
    return Problem(
        tuple(attribute.name for attribute in attributes),
        histogram.labels,
        balance,
        probabilities,
        histogram.utility,
        np.repeat(np.arange(len(first)), np.diff(first, append=len(histogram))),
        deviations(histogram.s[first], attributes),
        histogram.y,
        _utility_error_bound(histogram, probabilities, balance.eta),
    )


def _utility_error_bound(
    histogram: Histogram, probabilities: NDArray[np.float64], eta: float
) -> float:
    """1/2 eta^2 E[Var(u | bin)], each variance at most (high - mean) (mean - low).

    The second bound is Bhatia and Davis (2000); it is 0 where all samples lie on the bin's edge.
    """
    bins = histogram.utility_bins
    width = utility_widths(bins)
    above = histogram.utility - width * (BINS_PER_OCTAVE + bins % BINS_PER_OCTAVE)
    return float(eta**2 / 2 * probabilities @ np.maximum(above * (width - above), 0.0))
