"""The samples that a corpus lacks: how many more, and of what, would make all that is asked hold.

The fewest are a linear program (transforms/feasibility/fewest_samples.py) but for association bias,
which is linear only around the shares of the balanced corpus, and these move with what is added. So
it is solved, tried, and solved again around the shares that the trial gave, until the trial meets
everything.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from transforms.feasibility.fewest_samples import fewest_samples, groups_by_score
from transforms.feasibility.remedies import MissingPattern, MissingSamples
from transforms.feasibility.subproblem import Subproblem
from transforms.feasibility.trials import Trials
from transforms.m4.balance import Balanced, terms_asked
from transforms.m4.problem import problem_of
from transforms.statistics.histogram import distinct_rows

Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]
_ROUNDS = 12
_SPARE = 1e-4
_MORE_SPARE = 4.0
_SETTLED = 1e-3
_MOST_GROWTH = 20
_WHOLE = 1e-6
_MOST_COMBINATIONS = 64
_SCENES = 3


def missing_samples(
    scene: Subproblem, whole: Subproblem, wider: Callable[[Balanced], Subproblem], trials: Trials
) -> MissingSamples | None:
    """What to add to the corpus in `scene`, enough on the `whole` too; None if nothing was found.

    Where it is not enough there, `wider` gives the scene that sees what is missed.
    """
    for _ in range(_SCENES):
        s, y = _candidates(scene)
        added, least = _enough(scene, s, y, trials)
        if not added.any():
            return None
        tested = trials(_with(whole, *_in_whole(scene, whole, s, y), added))
        if tested.attained:
            return MissingSamples(int(added.sum()), least, _patterns(scene, s, y, added))
        scene = wider(tested)
    return None


def _enough(scene: Subproblem, s: Flags, y: Flags, trials: Trials) -> tuple[Counts, int]:
    """How many of each pattern would do, or none of any; and how many are needed at least."""
    samples = scene.rows.samples
    problem = problem_of(scene.rows, terms_asked(scene.rows, scene.attributes, scene.asked))
    found, before, spare = trials(scene), math.inf, 0.0
    groups = groups_by_score(found.problem, found.problem.vector_of(found.solution.duals))
    for _ in range(_ROUNDS):
        trials.check()
        fewest = fewest_samples(problem.under(found.problem.terms), groups, s, y)
        share, groups = float(fewest.added.sum()), fewest.groups
        settled = abs(share - before) <= _SETTLED * share
        if share > _MOST_GROWTH or (settled and not fewest.mends):
            break
        spare = max(_SPARE, _MORE_SPARE * spare) if settled else spare
        added = np.ceil(fewest.added * samples * (1 + spare) - _WHOLE).astype(np.int64)
        found, before = trials(_with(scene, s, y, added)), share
        if found.attained:
            return added, math.ceil(fewest.least * samples - _WHOLE)
    return np.zeros(len(s), np.int64), 0


def _patterns(scene: Subproblem, s: Flags, y: Flags, added: Counts) -> tuple[MissingPattern, ...]:
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


def _with(scene: Subproblem, s: Flags, y: Flags, added: Counts) -> Subproblem:
    """The scene with samples added to its corpus."""
    some = added > 0
    rows = scene.rows.with_samples(s[some], y[some], added[some])
    return Subproblem(rows, scene.attributes, scene.asked)


def _in_whole(scene: Subproblem, whole: Subproblem, s: Flags, y: Flags) -> tuple[Flags, Flags]:
    """Patterns of `scene` by the attributes and labels of `whole`."""
    all_s = np.zeros((len(s), len(whole.rows.attributes)), np.bool_)
    all_y = np.zeros((len(y), len(whole.rows.labels)), np.bool_)
    all_s[:, [whole.rows.attributes.index(name) for name in scene.rows.attributes]] = s
    all_y[:, [whole.rows.labels.index(name) for name in scene.rows.labels]] = y
    return all_s, all_y
