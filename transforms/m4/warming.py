"""Compiling all of the solver's loops before they are needed, so that no solve waits for it."""

import numpy as np

from transforms.base.blas import one_thread
from transforms.config.schema import Attribute
from transforms.m4 import kernels, mprgp, rounding_kernels
from transforms.m4.kernels import Compiled
from transforms.m4.problem import Problem, problem_of
from transforms.m4.required import Requirement
from transforms.m4.rounding import Movable, rounded
from transforms.m4.solver import solve
from transforms.m4.terms import VACUOUS, Terms, Tolerances
from transforms.statistics.histogram import HistogramAccumulator
from transforms.statistics.moments import Moments

_LABELS = 7


def loops() -> tuple[Compiled, ...]:
    """All that are compiled."""
    among = (
        each for module in (kernels, mprgp, rounding_kernels) for each in vars(module).values()
    )
    return tuple(dict.fromkeys(each for each in among if isinstance(each, Compiled)))


def warm() -> None:
    """Compile each loop of which no version is kept.

    A small problem takes all without threads; those with threads take the same. What is
    drawn of it is rounded then.
    """
    problem = _problem()
    with one_thread():
        solve(problem)
    _round(problem)
    for loop in loops():
        for signature in loop.alone.signatures:
            loop.threaded.compile(signature)


def failure() -> OSError | None:
    """Why a loop that was compiled is not kept, where the disk is full; None where all are."""
    versions = [version for loop in loops() for version in (loop.alone, loop.threaded)]
    failures = (getattr(version._cache, "failure", None) for version in versions)
    return next(filter(None, failures), None)


def _round(problem: Problem) -> None:
    """Draw the attribute twice for each time that it is missing, and leave the second out again."""
    terms, s, y = problem.terms, problem.s[problem.group], problem.y
    wanted = Moments.of(terms.attributes, s, y, np.ones(len(s)))
    drawn = Moments.of(terms.attributes, s, y, np.where(s[:, 0], 2.0, 1.0))
    twice = np.flatnonzero(s[:, 0])
    movable = Movable(s[twice], y[twice], np.full(len(twice), -1, np.int8))
    required = [Requirement(terms.tolerances, terms.shares)]
    rounded(drawn, wanted, movable, terms.attributes, required, terms.labels)


def _problem() -> Problem:
    """An attribute that goes with a label, all patterns of which occur."""
    patterns = 1 << (_LABELS + 1)
    bits = np.arange(patterns)[:, None] >> np.arange(_LABELS + 1) & 1
    flags = bits.astype(np.bool_)
    counts = 1 + 3 * (flags[:, 0] == flags[:, 1]) + np.arange(patterns) % 7
    attribute = Attribute("s", "s", 0.5, "all")
    names = tuple(f"y{r}" for r in range(_LABELS))
    accumulator = HistogramAccumulator((attribute.name,), names)
    accumulator.add_rows(flags, np.ones(patterns), counts)
    pairs = (1, _LABELS)
    allowed = Tolerances(np.full(1, 1e-3), np.full(pairs, 1e-3), np.full(pairs, VACUOUS))
    centres = np.full(1, attribute.pi)
    terms = Terms((attribute,), names, allowed, centres, np.full(pairs, 0.5), 0.5, 1.0, 100.0)
    return problem_of(accumulator.extract(), terms)
