"""The samples that a corpus lacks: how many more, and of what, would make all that is asked hold.

At prices v a corpus of N samples falls short by h = min E[q b], b = v . a, over all weights of mean
eta; these keep what scores below a threshold t (transforms/m4/shortfall.py). One more
sample of score b_j raises the number to keep by eta, and takes Q of it: it mends Q (t - b_j) - eta
t of N h. So at least N h over the largest of these are missing. They are added, and the rest is
found again.
"""

import math
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.feasibility.remedies import MissingPattern, MissingSamples
from transforms.feasibility.subproblem import Subproblem
from transforms.m4.balance import Balanced, attempt
from transforms.m4.shortfall import deficit
from transforms.m4.terms import integrands_of
from transforms.m4.weights import bias_scores
from transforms.statistics.histogram import distinct_rows

Flags = NDArray[np.bool_]
_ROUNDS = 40
_LEAST_GROWTH = 0.02
_MOST_GROWTH = 20
_SHRINKS = 7
_MOST_COMBINATIONS = 64
_SCENES = 3


def missing_samples(
    scene: Subproblem, whole: Subproblem, wider: Callable[[Balanced], Subproblem]
) -> MissingSamples | None:
    """What to add to the corpus in `scene`, enough on the `whole` too; None if nothing was found.

    Where it is not enough there, `wider` gives the scene that sees what is missed.
    """
    for _ in range(_SCENES):
        s, y = _candidates(scene)
        added, least = _enough(scene, s, y)
        if not added.any():
            return None
        tested = _with(whole, *_in_whole(scene, whole, s, y), added)
        if tested.attained:
            return MissingSamples(int(added.sum()), least, _patterns(scene, s, y, added))
        scene = wider(tested)
    return None


def _enough(scene: Subproblem, s: Flags, y: Flags) -> tuple[NDArray[np.int64], int]:
    """How many of each pattern would do, or none of any; and how many are needed at least."""
    added, least = np.zeros(len(s), np.int64), 0
    for _ in range(_ROUNDS):
        found = _with(scene, s, y, added)
        if found.attained:
            return pruned(scene, s, y, added), least
        mending = _most_mended(found, scene.rows.samples + int(added.sum()), s, y)
        if added.sum() > _MOST_GROWTH * scene.rows.samples or not (mending or added.any()):
            break
        if mending is None:
            added = _times(added, 1 + _LEAST_GROWTH)
            continue
        best, short = mending
        least = least or short
        added[best] += max(short, math.ceil(_LEAST_GROWTH * added.sum()))
    return np.zeros_like(added), least


def _patterns(
    scene: Subproblem, s: Flags, y: Flags, added: NDArray[np.int64]
) -> tuple[MissingPattern, ...]:
    names = np.array([*scene.rows.attributes, *scene.rows.labels])
    flags = np.hstack([s, y])
    most_first = [j for j in np.argsort(-added, kind="stable") if added[j]]
    return tuple(MissingPattern(tuple(names[flags[j]].tolist()), int(added[j])) for j in most_first)


def _candidates(scene: Subproblem) -> tuple[Flags, Flags]:
    """Patterns to add: the attributes that go together or any one alone, with one label at most."""
    hard = scene.rows.s[np.all((scene.rows.s == 0) | (scene.rows.s == 1), axis=1)].astype(np.bool_)
    together = distinct_rows(hard)[0][:_MOST_COMBINATIONS]
    m, c = len(scene.attributes), len(scene.rows.labels)
    s = distinct_rows(np.concatenate([np.eye(m, dtype=np.bool_), together]))[0]
    labels = np.concatenate([np.zeros((1, c), np.bool_), np.eye(c, dtype=np.bool_)])
    return np.repeat(s, c + 1, axis=0), np.tile(labels, (len(s), 1))


def _with(scene: Subproblem, s: Flags, y: Flags, added: NDArray[np.int64]) -> Balanced:
    some = added > 0
    rows = scene.rows.with_samples(s[some], y[some], added[some])
    return attempt(rows, scene.attributes, scene.asked)


def _most_mended(found: Balanced, samples: int, s: Flags, y: Flags) -> tuple[int, int] | None:
    """The pattern of which fewest would mend the shortfall, and how many; None where none would."""
    problem, terms = found.problem, found.problem.terms
    prices = problem.vector_of(found.solution.duals)
    proof = deficit(problem, prices)
    if proof.least <= 0:
        return None
    duals = problem.duals_of(prices / prices.max(), 0.0)
    scores = bias_scores(integrands_of(s, terms), sp.csr_array(y.astype(float)), duals, terms)
    mended = terms.Q * (proof.threshold - scores) - terms.eta * proof.threshold
    best = int(np.argmax(mended))
    return (best, math.ceil(samples * proof.least / mended[best])) if mended[best] > 0 else None


def pruned(scene: Subproblem, s: Flags, y: Flags, added: NDArray[np.int64]) -> NDArray[np.int64]:
    """Without the patterns that are not needed, the rarest first; then less of all."""
    for j in np.argsort(added, kind="stable"):
        without = np.where(np.arange(len(added)) == j, 0, added)
        if added[j] and _with(scene, s, y, without).attained:
            added = without
    low, high = 0.0, 1.0
    for _ in range(_SHRINKS):
        middle = (low + high) / 2
        enough = _with(scene, s, y, _times(added, middle)).attained
        low, high = (low, middle) if enough else (middle, high)
    return _times(added, high)


def _in_whole(scene: Subproblem, whole: Subproblem, s: Flags, y: Flags) -> tuple[Flags, Flags]:
    """Patterns of `scene` by the attributes and labels of `whole`."""
    all_s = np.zeros((len(s), len(whole.rows.attributes)), np.bool_)
    all_y = np.zeros((len(y), len(whole.rows.labels)), np.bool_)
    all_s[:, [whole.rows.attributes.index(name) for name in scene.rows.attributes]] = s
    all_y[:, [whole.rows.labels.index(name) for name in scene.rows.labels]] = y
    return all_s, all_y


def _times(added: NDArray[np.int64], factor: float) -> NDArray[np.int64]:
    times: NDArray[np.int64] = np.ceil(added * factor).astype(np.int64)
    return times
