"""The samples that a corpus lacks: how many more, and of what, would make all that is asked hold.

The fewest are a linear program (transforms/feasibility/fewest_samples.py) but for association bias,
which is linear only around the shares of the balanced corpus, and these move with what is added. So
it is solved, tried, and solved again around the shares that the trial gave, until the trial meets
everything.
"""

import math
from collections.abc import Callable
from dataclasses import replace

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
Patterns = tuple[MissingPattern, ...]
_ROUNDS = 12
_SPARE = 1e-3
_MORE_SPARE = 3.0
_SETTLED = 0.02
_MOST_GROWTH = 20
_WHOLE = 1e-6
_MOST_COMBINATIONS = 64
_SCENES = 6


def missing_samples(
    scene: Subproblem, whole: Subproblem, wider: Callable[[Balanced], Subproblem], trials: Trials
) -> MissingSamples | None:
    """What to add to the corpus in `scene`, enough on the `whole` too; None if nothing was found.

    Where it is not enough there, `wider` gives the scene that sees what is missed.
    """
    start = scene
    for _ in range(_SCENES):
        patterns, least = _enough(scene, start, trials)
        if not patterns:
            return None
        tested = trials(_with(whole, patterns))
        if tested.attained:
            return MissingSamples(sum(one.samples for one in patterns), least, patterns)
        scene = wider(tested)
        start = _with(scene, patterns)
    return None


def _enough(scene: Subproblem, start: Subproblem, trials: Trials) -> tuple[Patterns, int]:
    """Which samples would do, if any; and how many are needed at least.

    `start` is the scene with samples added that are about right, if such are known.
    """
    s, y = _candidates(scene)
    samples = scene.rows.samples
    terms = terms_asked(scene.rows, scene.attributes, scene.asked, scene.written)
    problem = problem_of(scene.rows, terms, scene.written)
    found, before, spare = trials(start), math.inf, 0.0
    prices = found.problem.vector_of(found.solution.duals)
    groups = groups_by_score(problem.under(found.problem.terms), prices)
    for _ in range(_ROUNDS):
        fewest = fewest_samples(problem.under(found.problem.terms), groups, s, y, trials.check)
        share, groups = float(fewest.added.sum()), fewest.groups
        settled = abs(share - before) <= _SETTLED * share
        if share > _MOST_GROWTH or (settled and not fewest.mends):
            break
        spare = max(_SPARE, _MORE_SPARE * spare) if settled else spare
        added = np.ceil(fewest.added * samples * (1 + spare) - _WHOLE).astype(np.int64)
        patterns = _patterns(scene, s, y, added)
        found, before = trials(_with(scene, patterns)), share
        if found.attained:
            return patterns, math.ceil(fewest.least * samples - _WHOLE)
    return (), 0


def _patterns(scene: Subproblem, s: Flags, y: Flags, added: Counts) -> Patterns:
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


def _with(scene: Subproblem, patterns: Patterns) -> Subproblem:
    """The scene with samples added to its corpus."""
    s, y = (
        np.array(
            [[name in one.carries for name in names] for one in patterns], dtype=np.bool_
        ).reshape(len(patterns), len(names))
        for names in (scene.rows.attributes, scene.rows.labels)
    )
    counts = np.array([one.samples for one in patterns], dtype=np.int64)
    return replace(scene, rows=scene.rows.with_samples(s, y, counts))
