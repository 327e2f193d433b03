"""The inner loops of the solver, compiled: sums over patterns, and over the pairs that they have.

Every sum is taken over a fixed number of blocks, in a fixed order, whatever the number of threads:
the same input gives the same bits on any number of cores (numba splits `.sum()` by threads, so
that the last sums are loops). Small inputs are not worth the threads.
Threads that wait sleep, unless the environment says otherwise: spinning, they would take a busy
machine's cores from those that they wait for (ten times slower, as measured).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from transforms.m4.kept import KeptLoops

if TYPE_CHECKING:
    from transforms.m4.constraints import ConstraintTable

Vector = NDArray[np.float64]
Starts = NDArray[np.uint64]
Places = NDArray[np.uint32]
Cuts = NDArray[np.int64]
BLOCKS = 64
WORTH_THREADS = 1 << 15
_RATE_TOLERANCE = 1e-15
_MAX_RATE_STEPS = 200

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@dataclass(frozen=True)
class Compiled:
    """A loop compiled without threads and with them; the length of its last argument decides."""

    alone: Any
    threaded: Any

    def __call__(self, *arguments: Any) -> Any:
        """What the loop gives."""
        return (self.threaded if len(arguments[-1]) >= WORTH_THREADS else self.alone)(*arguments)


def compiled(loop: Any) -> Compiled:
    """`loop`, compiled; with threads it calls loops with threads, and without, those without.

    One version does where neither it nor what it calls has any. Each has a name of its own, for
    numba keeps compiled code by name. Loops of this file may be compiled into loops of others, and
    of what is kept numba reads the types before it sees that it is of an older file, so that the
    name says which versions of this file and its own it is of. None is kept of modules that are
    imported from a zip file: each process compiles for itself.
    """
    file = Path(__file__).is_file()
    files = (Path(__file__), Path(loop.__code__.co_filename)) if file else ()
    source = f"{crc32(b''.join(path.read_bytes() for path in files)):x}"

    def version(name: str) -> Any:
        called = {key: getattr(value, name, value) for key, value in loop.__globals__.items()}
        named_apart = FunctionType(loop.__code__, called)
        named_apart.__qualname__ = f"{loop.__qualname__}_{name}_{source}"
        parallel = name == "threaded" and "prange" in loop.__code__.co_names
        loops: Any = njit(parallel=parallel)(named_apart)
        if file:
            loops._cache = KeptLoops(named_apart)
        return loops

    alone, used = version("alone"), loop.__code__.co_names
    called = [loop.__globals__.get(name) for name in used]
    threads = "prange" in used or any(
        isinstance(each, Compiled) and each.threaded is not each.alone for each in called
    )
    return Compiled(alone, version("threaded") if threads else alone)


@compiled
def pattern_sums(pairs: Places, scores: Vector, starts: Starts) -> Vector:
    """Of each pattern the sum of its pairs' scores, float64 (P,).

    Pattern p has pairs[starts[p] : starts[p + 1]], each a place in scores, float64 (J,).
    """
    sums = np.empty(len(starts) - 1)
    for pattern in prange(len(sums)):
        total = 0.0
        for place in range(starts[pattern], starts[pattern + 1]):
            total += scores[pairs[place]]
        sums[pattern] = total
    return sums


@compiled
def pair_sums(
    count: int, cuts: Cuts, low: Cuts, room: Cuts, pairs: Places, starts: Starts, masses: Vector
) -> Vector:
    """Of each of `count` pairs the sum of the masses, float64 (P,), of the patterns that have it.

    Part i is the patterns from cuts[i] to cuts[i + 1]; its pairs begin at low[i] and span room[i]
    to room[i + 1] of the blocks' own sums.
    """
    apart = np.zeros(room[-1])
    for block in prange(len(low)):
        own = apart[room[block] : room[block + 1]]
        shift = np.uint64(low[block])
        for pattern in range(cuts[block], cuts[block + 1]):
            mass = masses[pattern]
            if mass != 0.0:
                for place in range(starts[pattern], starts[pattern + 1]):
                    own[pairs[place] - shift] += mass
    sums = np.zeros(count)
    for block in range(len(low)):
        for place in range(room[block + 1] - room[block]):
            sums[low[block] + place] += apart[room[block] + place]
    return sums


@compiled
def coefficients(labels: int, attributes: int, table: "ConstraintTable", prices: Vector) -> Vector:
    """What v . a takes of each integrand for each label, (labels + 1, 4 m); the last row is plain.

    prices are v (K,), for the constraints in `table`.
    """
    m, taken = attributes, np.zeros((labels + 1, 4 * attributes))
    for i in range(len(prices)):
        k, r = table.attribute[i], table.label[i]
        signed, allowed = table.sign[i] * prices[i], table.tolerance[i] * prices[i]
        if table.associated[i]:
            taken[r, 2 * m + k] += signed
            taken[labels, 2 * m + k] -= table.centre[i] * signed
            taken[labels, 3 * m + k] -= allowed
        else:
            taken[r, k] += signed
            taken[r, m + k] -= allowed
    return taken


@compiled
def biases(moments: Vector, table: "ConstraintTable") -> Vector:
    """E[q a] of the constraints in `table`, (K,), of the integrands' moments, (labels + 1, 4 m)."""
    means, plain, m = np.empty(len(table.sign)), len(moments) - 1, moments.shape[1] // 4
    for i in range(len(means)):
        k, r = table.attribute[i], table.label[i]
        if table.associated[i]:
            bias = moments[r, 2 * m + k] - table.centre[i] * moments[plain, 2 * m + k]
            means[i] = table.sign[i] * bias - table.tolerance[i] * moments[plain, 3 * m + k]
        else:
            means[i] = table.sign[i] * moments[r, k] - table.tolerance[i] * moments[r, m + k]
    return means


@compiled
def pair_scores(
    first: int,
    last: int,
    coefficients: Vector,
    integrands: Vector,
    label: Cuts,
    group: Cuts,
) -> Vector:
    """Of each pair the sum of its group's integrands times its label's coefficients, float64 (J,).

    coefficients are (c + 1, 4 m), integrands (G, 4 m); of a label's coefficients only those from
    first to last count, of the intercept's, in the last row, all.
    """
    scores = np.empty(len(group))
    columns, intercept = coefficients.shape[1], coefficients.shape[0] - 1
    for pair in prange(len(group)):
        row, values, total = coefficients[label[pair]], integrands[group[pair]], 0.0
        if label[pair] == intercept:
            for column in range(columns):
                total += row[column] * values[column]
        else:
            for column in range(first, last):
                total += row[column] * values[column]
        scores[pair] = total
    return scores


@compiled
def _moments_apart(
    blocks: int,
    first: int,
    last: int,
    labels: int,
    integrands: Vector,
    masses: Vector,
    label: Cuts,
    group: Cuts,
) -> tuple[Vector, Vector]:
    apart = np.zeros((blocks, labels, last - first))
    plain = np.zeros((blocks, integrands.shape[1]))
    for block in prange(blocks):
        for pair in range(block * len(group) // blocks, (block + 1) * len(group) // blocks):
            r, g, mass = label[pair], group[pair], masses[pair]
            if r == labels:
                for column in range(integrands.shape[1]):
                    plain[block, column] += mass * integrands[g, column]
            else:
                for column in range(last - first):
                    apart[block, r, column] += mass * integrands[g, first + column]
    return apart, plain


@compiled
def label_moments(
    first: int, last: int, labels: int, integrands: Vector, masses: Vector, label: Cuts, group: Cuts
) -> Vector:
    """Of each label the sum over its pairs of mass times the group's integrands, (labels + 1, 4 m).

    masses are float64 (J,). Labels take the integrands from first to last, the intercept, in the
    last row, takes all.
    """
    blocks = BLOCKS if len(group) >= WORTH_THREADS else 1
    apart, plain = _moments_apart(blocks, first, last, labels, integrands, masses, label, group)
    sums = np.zeros((labels + 1, integrands.shape[1]))
    for block in range(blocks):
        for column in range(integrands.shape[1]):
            sums[labels, column] += plain[block, column]
        for r in range(labels):
            for column in range(last - first):
                sums[r, first + column] += apart[block, r, column]
    return sums


@compiled
def clipped_moments(
    mu: float, largest: float, probabilities: Vector, free: Vector
) -> tuple[float, float]:
    """E[q] of q = clip(free - mu, 0, largest), and the probability of what is not clipped."""
    means, inside = np.zeros(BLOCKS), np.zeros(BLOCKS)
    for block in prange(BLOCKS):
        total = lost = within = 0.0
        for pattern in range(block * len(free) // BLOCKS, (block + 1) * len(free) // BLOCKS):
            q = free[pattern] - mu
            if q > 0.0:
                if q < largest:
                    within += probabilities[pattern]
                else:
                    q = largest
                term = probabilities[pattern] * q - lost
                grown = total + term
                lost = (grown - total) - term
                total = grown
        means[block], inside[block] = total, within
    rate = slope = 0.0
    for block in range(BLOCKS):
        rate += means[block]
        slope += inside[block]
    return rate, slope


@compiled
def multiplier(
    mu: float, eta: float, rate: float, largest: float, probabilities: Vector, free: Vector
) -> float:
    """The mu, from a first guess, at which E[q] is `rate` to rounding (see `Dual.at_rate`)."""
    low, high, before = np.inf, -np.inf, np.inf
    for pattern in range(len(free)):
        low, high = min(low, free[pattern] - largest), max(high, free[pattern])
    mu = min(max(mu, low), high)
    for _ in range(_MAX_RATE_STEPS):
        found, slope = clipped_moments(mu, largest, probabilities, free)
        excess = found - rate
        if abs(excess) <= _RATE_TOLERANCE * max(eta, abs(mu)):
            break
        if excess > 0:
            low = mu
        else:
            high = mu
        newton = mu + excess / slope if slope > 0 else np.inf
        progress = abs(excess) < before / 2 and low < newton < high
        ahead, before = newton if progress else (low + high) / 2, abs(excess)
        if ahead == mu:
            break
        mu = ahead
    return mu


@compiled
def half_square_distance(probabilities: Vector, q: Vector, wanted: Vector) -> float:
    """1/2 E[(q - wanted)^2]."""
    sums = np.zeros(BLOCKS)
    for block in prange(BLOCKS):
        total = 0.0
        for pattern in range(block * len(q) // BLOCKS, (block + 1) * len(q) // BLOCKS):
            total += probabilities[pattern] * (q[pattern] - wanted[pattern]) ** 2
        sums[block] = total
    whole = 0.0
    for block in range(BLOCKS):
        whole += sums[block]
    return whole / 2
