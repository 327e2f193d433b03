"""The loops of rounding, compiled: samples are tried one after another, and changed where it helps.

Moments z are one matrix, float64 (3 m + 1, c + 1): s, n, o, y (`Moments.vector`). Lessened are
`weight` times the squares of what measures are beyond their bounds, in samples, and of a tenth of
what the number of copies errs by; and the squares of the errors of s, o and y, each times its
`scale`. What a change does is worked out exactly, where its slope says that it may do something:
squares are convex.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.m4.kernels import compiled

Matrix = NDArray[np.float64]
Places = NDArray[np.int64]
NOTHING = 2.0
_OF_COPIES = 0.1**2


class CandidateArrays(NamedTuple):
    """n samples: s (n, m), and step (n,), +1 or -1.

    The columns of sample j, its labels and c, are from starts[j] to starts[j + 1]. group (m,) says
    which attributes are of one group, whole (m,) whether shares are of all samples.
    """

    s: Matrix
    starts: Places
    columns: Places
    step: Matrix
    group: Places
    whole: NDArray[np.bool_]


class Goal(NamedTuple):
    """What z should be: near `wanted`, and with what is `written`, (R, 3 m + 1, c + 1), in bounds.

    For each of R requirements: shares of attributes (R, m, c + 1), by label and of all, from low to
    high; associations (R, m, c) at most so much; shares of the labels `bounded`, (B,), from
    label_low to label_high, (R, B). Beyond NOTHING, nothing is asked. evenness (R, m) makes samples
    of associations.
    """

    wanted: Matrix
    scale: Matrix
    written: Matrix
    low: Matrix
    high: Matrix
    association: Matrix
    evenness: Matrix
    bounded: Places
    label_low: Matrix
    label_high: Matrix


@compiled
def _attribute_excess(
    k: int, margin: float, goal: Goal, z: Matrix, change: Matrix, carries: Matrix
) -> float:
    """The squares of attribute k, if its s, n and o change by so much, (3,), in columns carried."""
    m, c, total = z.shape[0] // 3, z.shape[1] - 1, 0.0
    for R in range(len(goal.written)):
        written = goal.written[R]
        with_it = z[k, c] + written[k, c] + change[0]
        without = z[2 * m + k, c] + written[2 * m + k, c] + change[2]
        defined = with_it > 0.0 and without > 0.0
        for r in range(c + 1):
            s = z[k, r] + written[k, r] + carries[r] * change[0]
            low, high = goal.low[R, k, r], goal.high[R, k, r]
            if low > -NOTHING or high < NOTHING:
                n = z[m + k, r] + written[m + k, r] + carries[r] * change[1]
                beyond = max(s - high * n, low * n - s) + margin
                if beyond > 0.0:
                    total += beyond * beyond
            if r < c and goal.association[R, k, r] < NOTHING and goal.evenness[R, k] > 0.0:
                bias = 1.0
                if defined:
                    o = z[2 * m + k, r] + written[2 * m + k, r] + carries[r] * change[2]
                    bias = abs(s / with_it - o / without)
                beyond = (bias - goal.association[R, k, r]) * goal.evenness[R, k] + margin
                if beyond > 0.0:
                    total += beyond * beyond
    return total


@compiled
def _label_excess(margin: float, goal: Goal, z: Matrix, change: float, carries: Matrix) -> float:
    """The squares of shares of labels, and of the number of copies, if it changes by so much."""
    last, c = z.shape[0] - 1, z.shape[1] - 1
    error: float = z[last, c] + change - goal.wanted[last, c]
    total = _OF_COPIES * error * error
    for R in range(len(goal.written)):
        n = z[last, c] + goal.written[R, last, c] + change
        for place in range(len(goal.bounded)):
            r = goal.bounded[place]
            y = z[last, r] + goal.written[R, last, r] + carries[r] * change
            low, high = goal.label_low[R, place], goal.label_high[R, place]
            beyond = max(max(y - high * n, low * n - y) + margin, 0.0)
            total += beyond * beyond
    return total


@compiled
def _push(
    value: float, base: float, low: float, high: float, weight: float, margin: float
) -> tuple[float, float]:
    """What is lessened by a share, value / base, beyond its bounds: by value, and by base."""
    above, below = value - high * base, low * base - value
    push: float = 2.0 * weight * max(max(above, below) + margin, 0.0)
    return (push, -push * high) if above >= below else (-push, push * low)


@compiled
def _attribute_slope(
    k: int, weight: float, margin: float, goal: Goal, z: Matrix, slope: Matrix
) -> None:
    """What is lessened, by the moments of attribute k, into `slope`."""
    m, c = z.shape[0] // 3, z.shape[1] - 1
    i, j = m + k, 2 * m + k
    slope[k] = 2.0 * goal.scale[k] * (z[k] - goal.wanted[k])
    slope[i] = 0.0
    slope[j] = 2.0 * goal.scale[j] * (z[j] - goal.wanted[j])
    for R in range(len(goal.written)):
        written = goal.written[R]
        with_it, without = z[k, c] + written[k, c], z[j, c] + written[j, c]
        for r in range(c + 1):
            s = z[k, r] + written[k, r]
            low, high = goal.low[R, k, r], goal.high[R, k, r]
            if low > -NOTHING or high < NOTHING:
                n = z[i, r] + written[i, r]
                by_s, by_n = _push(s, n, low, high, weight, margin)
                slope[k, r] += by_s
                slope[i, r] += by_n
            if r < c and goal.association[R, k, r] < NOTHING and with_it > 0.0 and without > 0.0:
                o = z[j, r] + written[j, r]
                bias, evenness = s / with_it - o / without, goal.evenness[R, k]
                beyond = (abs(bias) - goal.association[R, k, r]) * evenness + margin
                push = 2.0 * weight * max(beyond, 0.0)
                push *= evenness if bias >= 0.0 else -evenness
                slope[k, r] += push / with_it
                slope[k, c] -= push * s / (with_it * with_it)
                slope[j, r] -= push / without
                slope[j, c] += push * o / (without * without)


@compiled
def _label_slope(weight: float, margin: float, goal: Goal, z: Matrix, slope: Matrix) -> None:
    """What is lessened, by the numbers of copies, into `slope`."""
    last, c = z.shape[0] - 1, z.shape[1] - 1
    slope[last] = 2.0 * goal.scale[last] * (z[last] - goal.wanted[last])
    slope[last, c] += 2.0 * weight * _OF_COPIES * (z[last, c] - goal.wanted[last, c])
    for R in range(len(goal.written)):
        n = z[last, c] + goal.written[R, last, c]
        for place in range(len(goal.bounded)):
            r = goal.bounded[place]
            y = z[last, r] + goal.written[R, last, r]
            low, high = goal.label_low[R, place], goal.label_high[R, place]
            by_y, by_n = _push(y, n, low, high, weight, margin)
            slope[last, r] += by_y
            slope[last, c] += by_n


@compiled
def _change(
    j: int, step: float, candidates: CandidateArrays, in_group: Matrix, change: Matrix
) -> None:
    """By how much a step of sample j changes s, n and o in each of its columns, into `change`."""
    in_group[:] = 0.0
    for k in range(len(change)):
        in_group[candidates.group[k]] += candidates.s[j, k]
    for k in range(len(change)):
        s = candidates.s[j, k]
        n = 1.0 if candidates.whole[k] else in_group[candidates.group[k]]
        change[k, 0], change[k, 1], change[k, 2] = step * s, step * n, step * (min(n, 1.0) - s)


@compiled
def _rises(
    step: float,
    columns: Places,
    change: Matrix,
    slope: Matrix,
    scale: Matrix,
    wanted: Matrix,
    z: Matrix,
) -> tuple[float, float]:
    """What a change adds by the slope, which is no more than it adds, and to the squared errors."""
    m, last = len(change), z.shape[0] - 1
    by_slope = of_errors = own = 0.0
    for r in columns:
        by_slope += step * slope[last, r]
        own += scale[last, r]
        of_errors += 2.0 * step * scale[last, r] * (z[last, r] - wanted[last, r])
        for k in range(m):
            if change[k, 1] != 0.0:
                i, j = m + k, 2 * m + k
                s, n, o = change[k, 0], change[k, 1], change[k, 2]
                by_slope += s * slope[k, r] + n * slope[i, r] + o * slope[j, r]
                own += s * s * scale[k, r] + o * o * scale[j, r]
                of_errors += 2.0 * s * scale[k, r] * (z[k, r] - wanted[k, r])
                of_errors += 2.0 * o * scale[j, r] * (z[j, r] - wanted[j, r])
    return by_slope + own, of_errors + own


@compiled
def _excesses(
    step: float, margin: float, columns: Places, change: Matrix, goal: Goal, z: Matrix, then: Matrix
) -> None:
    """The squares of each attribute, and of labels, under a change, into `then`, (m + 1,)."""
    carries = np.zeros(z.shape[1])
    for r in columns:
        carries[r] = 1.0
    for k in range(len(change)):
        if change[k, 1] != 0.0:
            then[k] = _attribute_excess(k, margin, goal, z, change[k], carries)
    then[-1] = _label_excess(margin, goal, z, step, carries)


@compiled
def sweep(
    weight: float,
    margin: float,
    least: float,
    goal: Goal,
    z: Matrix,
    candidates: CandidateArrays,
    flips: NDArray[np.bool_],
) -> tuple[int, float]:
    """Flip, in order, each candidate that lessens the objective by more than `least`, in place.

    A flipped one is flipped back likewise. How many were, and the most that another may give. With
    `margin`, bounds are so many samples tighter.
    """
    m, c, last = z.shape[0] // 3, z.shape[1] - 1, z.shape[0] - 1
    slope, change, in_group = np.zeros(z.shape), np.zeros((m, 3)), np.zeros(m)
    now, nowhere = np.zeros(m + 1), np.zeros(c + 1)
    for k in range(m):
        now[k] = _attribute_excess(k, margin, goal, z, change[k], nowhere)
        _attribute_slope(k, weight, margin, goal, z, slope)
    now[m] = _label_excess(margin, goal, z, 0.0, nowhere)
    _label_slope(weight, margin, goal, z, slope)
    then, flipped, most = now.copy(), 0, 0.0
    for j in range(len(flips)):
        step = -candidates.step[j] if flips[j] else candidates.step[j]
        columns = candidates.columns[candidates.starts[j] : candidates.starts[j + 1]]
        _change(j, step, candidates, in_group, change)
        by_slope, of_errors = _rises(step, columns, change, slope, goal.scale, goal.wanted, z)
        gain = -by_slope
        if gain > least:
            then[:] = now
            _excesses(step, margin, columns, change, goal, z, then)
            less = 0.0
            for k in range(m + 1):
                less += now[k] - then[k]
            gain = weight * less - of_errors
        if gain <= least:
            most = max(most, gain)
            continue
        flipped += 1
        flips[j] = not flips[j]
        now[:] = then
        for r in columns:
            z[last, r] += step
            for k in range(m):
                for moment in range(3):
                    z[moment * m + k, r] += change[k, moment]
        for k in range(m):
            if change[k, 1] != 0.0:
                _attribute_slope(k, weight, margin, goal, z, slope)
        _label_slope(weight, margin, goal, z, slope)
    return flipped, most
