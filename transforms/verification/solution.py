"""The solved problem, from the counted patterns and the prices of the plan alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from transforms.verification.bias import BiasTally
from transforms.verification.checks import Check
from transforms.verification.formulas import LabelledRows, integrand, weights
from transforms.verification.labels import (
    BIN_BYTES,
    BIN_OF_ZERO,
    BINS_AN_OCTAVE,
    Corpus,
    pattern_table,
    patterns_of,
)
from transforms.verification.plan_evidence import (
    CertificateEntry,
    PlanEvidence,
)
from transforms.verification.stated import Stated, Vector

WEIGHT_TOLERANCE = 1e-12
MOMENT_TOLERANCE = 1e-9
GAP_TOLERANCE = 1e-8
_ROUNDING = 1e-15
_NEGLIGIBLE_MOVE = 0.01


@dataclass(frozen=True)
class SolvedProblem:
    """What the prices give: E[q a_i] and the root mean square of a_i, (K,); the certificate; and
    how many samples there are.
    """

    expected: Vector
    spread: Vector
    certificate: CertificateEntry
    samples: float


@dataclass(frozen=True)
class Weights:
    """q of patterns and the size of what was added up for it, (P,)."""

    q: Vector
    size: Vector


class Weighed:
    """Sums over rows of samples, some at a time, with the weights that the prices give them.

    before and predicted tally the samples as they are, and under their weights. written: the sum of
    each a_i over what earlier generations wrote, (K,).
    """

    def __init__(self, stated: Stated, written: Vector | float = 0.0) -> None:
        self._stated, self._written = stated, written
        self._moved = self._hidden = 0.0
        self._expected, self._squares = np.zeros((2, len(stated.constraints)))
        self.before, self.predicted = BiasTally.empty(stated), BiasTally.empty(stated)

    def add(
        self, rows: LabelledRows, mass: Vector, hidden: Vector | float = 0.0
    ) -> tuple[Vector, Vector]:
        """Add rows, each `mass` times; their weights, and the size of what those add up.

        hidden is the variance of the utility that a row may stand for.
        """
        stated = self._stated
        q, size = weights(rows)
        self._moved += float(np.sum(mass * (q - stated.eta * rows.u) ** 2)) / 2
        self._hidden += float(np.sum(mass * hidden))
        for i, constraint in enumerate(stated.constraints):
            a = integrand(constraint, rows)
            self._expected[i] += np.sum(mass * q * a)
            self._squares[i] += np.sum(mass * a * a)
        self.before.add(rows, mass)
        self.predicted.add(rows, mass * q)
        return q, size

    def solved(self) -> SolvedProblem:
        """What all rows give.

        The dual is the Lagrangian at the weights, which attain its minimum over 0 <= q <= Q. What
        the rate is off by counts in the gap, at its price.
        """
        stated, samples = self._stated, self.before.total
        expected = (self._expected + self._written) / samples
        moved = self._moved / samples
        rate = self.predicted.total / samples
        prices = np.array([constraint.entry.price for constraint in stated.constraints])
        penalty = math.fsum(stated.largest_prices * np.maximum(expected, 0.0))
        paid, off = math.fsum(prices * expected), stated.mu * (rate - stated.eta)
        primal = moved + penalty
        certificate = CertificateEntry(
            primal=primal,
            dual=moved + paid + off,
            gap=(penalty - paid + abs(off)) / scale_of(primal, stated),
            violation=float(expected.max(initial=0.0)),
            rate=rate,
            utility_error_bound=stated.eta**2 / 2 * self._hidden / samples,
        )
        return SolvedProblem(expected, np.sqrt(self._squares / samples), certificate, samples)


def weighed(
    corpus: Corpus, stated: Stated, step: Callable[[int], None], written: Vector | float = 0.0
) -> tuple[Weights, Weighed]:
    """The weights of every pattern, and the sums over all, some patterns at a time."""
    q, size = np.empty((2, len(corpus.counts)))
    weighing, hidden = Weighed(stated, written), _variance_within_bins(corpus)
    for here, rows in corpus.blocks(stated):
        mass = corpus.counts[here].astype(np.float64)
        q[here], size[here] = weighing.add(rows, mass, hidden[here])
        step(len(rows.u))
    return Weights(q, size), weighing


def scale_of(primal: float, stated: Stated) -> float:
    """What gaps are relative to: primal or, where next to nothing moves, (eta / 100)^2 / 2."""
    return max(primal, (_NEGLIGIBLE_MOVE * stated.eta) ** 2 / 2)


def check_patterns(corpus: Corpus, table: pa.Table, stated: Stated, check: Check) -> Vector:
    """Compare patterns.parquet with the count; q of each counted pattern, nan where it has none."""
    listed = patterns_of(table)
    counts, sums = (table.column(name).to_numpy() for name in ("count", "utility_sum"))
    said = np.full(len(corpus.counts), np.nan)
    if listed.shape[1] != corpus.patterns.shape[1]:
        check.expect(False, "patterns.parquet has patterns of other attributes or labels")
        return said
    places = _places(corpus, table)
    found = places >= 0
    if len(np.unique(places[found])) < found.sum():
        check.differ("patterns.parquet lists a pattern twice")
    said[places[found]] = table.column("q").to_numpy()[found]
    check.checked += len(corpus.counts)
    for row in np.flatnonzero(~found):
        check.differ(f"no sample has the pattern ({named(listed[row], stated)}) that is listed")
    for place in np.flatnonzero(~np.isin(np.arange(len(said)), places)):
        pattern = named(corpus.patterns[place], stated)
        check.differ(f"the pattern ({pattern}) is not listed, but samples have it")
    for column, mine, theirs in [
        ("count", corpus.counts, counts),
        ("utility_sum", corpus.utility_sums, sums),
    ]:
        for row in np.flatnonzero(found)[mine[places[found]] != theirs[found]]:
            check.differ(
                f"{column} of the pattern ({named(listed[row], stated)}) is listed as "
                f"{theirs[row]:,}, the label tables have {mine[places[row]]:,}"
            )
    return said


def check_weights(
    corpus: Corpus, said: Vector, mine: Weights, stated: Stated, check: Check
) -> float:
    """Compare q of patterns.parquet with what the prices give, and with its bounds; its mean."""
    known = ~np.isnan(said)
    check.checked += int(known.sum())
    apart = np.where(known, np.abs(said - mine.q), 0.0)
    for place in np.flatnonzero(known & ((said < 0) | (said > stated.Q))):
        check.differ(
            f"q of the pattern ({named(corpus.patterns[place], stated)}) is {said[place]:.15g}, "
            f"which is not between 0 and Q = {stated.Q:g}"
        )
    for place in np.flatnonzero(apart > WEIGHT_TOLERANCE * np.maximum(mine.size, 1.0)):
        check.differ(
            f"q of the pattern ({named(corpus.patterns[place], stated)}) is listed as "
            f"{said[place]:.15g}, the plan's prices give {mine.q[place]:.15g}"
        )
    check.found = f"largest difference {apart.max(initial=0.0):.1e}"
    return float(np.sum(corpus.counts * np.where(known, said, mine.q))) / corpus.samples


def check_rate(rate: float, tolerance: float, stated: Stated, check: Check) -> None:
    """Compare the mean of q with eta."""
    if abs(rate - stated.eta) > tolerance:
        check.differ(f"the mean of q is {rate:.12g}, and eta is {stated.eta:g}")
    check.found = f"{check.found}, mean of q {rate:.9f}"


def check_certificate(
    plan: PlanEvidence, mine: SolvedProblem, stated: Stated, check: Check
) -> None:
    """Compare the certificate and each constraint's E[q a] with what the prices give."""
    scale = scale_of(mine.certificate.primal, stated)
    noise = _ROUNDING * max(1.0, stated.V) * max(1, len(stated.constraints))
    tolerances = {
        "primal": GAP_TOLERANCE * scale + noise,
        "dual": GAP_TOLERANCE * scale + noise,
        "gap": GAP_TOLERANCE + noise / scale,
        "violation": MOMENT_TOLERANCE,
        "rate": MOMENT_TOLERANCE,
        "utility_error_bound": GAP_TOLERANCE * scale,
    }
    for constraint, most in zip(stated.constraints, stated.largest_prices.tolist(), strict=True):
        price = constraint.entry.price
        if not 0 <= price <= most:
            check.differ(f"{constraint.name}: the price {price:g} is not in [0, V]")
    for name, tolerance in tolerances.items():
        said, found = getattr(plan.certificate, name), getattr(mine.certificate, name)
        check.expect(
            abs(said - found) <= tolerance,
            f"certificate.{name} is {said:.12g} in plan.json, the prices give {found:.12g}",
        )
    check.expect(
        mine.certificate.gap >= -tolerances["gap"],
        f"the dual value is above the primal: the gap is {mine.certificate.gap:.3e}",
    )
    for constraint, found in zip(stated.constraints, mine.expected.tolist(), strict=True):
        slack = constraint.entry.slack
        check.expect(
            abs(slack - found) <= MOMENT_TOLERANCE,
            f"{constraint.name}: slack is {slack:.12g} in plan.json, E[q a] is {found:.12g}",
        )
    check.found = (
        f"relative gap {mine.certificate.gap:.1e}, worst violation {mine.certificate.violation:.1e}"
    )


def named(pattern: NDArray[np.uint8], stated: Stated) -> str:
    """A pattern in words: what it carries, and its utility bin."""
    bits = np.unpackbits(pattern[:-BIN_BYTES])[: len(stated.columns)]
    carried = [name for name, bit in zip(stated.columns, bits, strict=True) if bit]
    utility_bin = int(pattern[-2]) << 8 | int(pattern[-1])
    return f"{' '.join(carried) or 'nothing'}; utility bin {utility_bin}"


def _variance_within_bins(corpus: Corpus) -> Vector:
    """At most (high - u) (u - low) of each pattern, the variance that its bin may hide."""
    tail = corpus.patterns[:, -BIN_BYTES:].astype(np.int64)
    bins = (tail[:, 0] << 8) + tail[:, 1]
    octave, step = np.divmod(bins - BIN_OF_ZERO, BINS_AN_OCTAVE)
    width = np.where(bins > 0, np.ldexp(0.5 / BINS_AN_OCTAVE, octave), 0.0)
    low = width * (BINS_AN_OCTAVE + step)
    hidden = np.maximum((low + width - corpus.utility) * (corpus.utility - low), 0.0)
    return np.asarray(np.where(bins > 0, hidden, 0.0))


def _places(corpus: Corpus, listed: pa.Table) -> NDArray[np.int64]:
    """Where each listed pattern stands in the corpus; -1 where it does not."""
    counted = pattern_table(corpus.patterns, corpus.counts, corpus.utility_sums)
    found = pc.index_in(
        listed.column("pattern"), value_set=counted.column("pattern").combine_chunks()
    )
    return np.asarray(found.fill_null(-1).to_numpy(), dtype=np.int64)
