"""The fewest samples, against the whole linear program by HiGHS, every pattern by itself."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from tests.linear import weighted_constraints
from tests.problems import Limits, dense_constraints, random_corpus
from transforms.feasibility.fewest_samples import fewest_samples, groups_by_score
from transforms.feasibility.trials import Trials
from transforms.m4.problem import Problem, problem_of
from transforms.m4.solver import solve
from transforms.statistics.row_histograms import RowHistogram

WITHOUT_END = Trials(lambda: False).check
LIMITS = Limits(eta=0.8, eps_R=0.05, eps_D=0.03)
S = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], dtype=np.bool_)


def fewest_of_all(problem: Problem, candidates: Problem) -> float:
    """min sum n over 0 <= x <= Q p, n >= 0 that meet every constraint at the rate."""
    terms, weighted = problem.terms, weighted_constraints(problem)
    patterns, added = len(problem.probabilities), len(candidates.probabilities)
    solved = linprog(
        np.concatenate([np.zeros(patterns), np.ones(added)]),
        A_ub=np.hstack([weighted.T, terms.Q * dense_constraints(candidates).T]),
        b_ub=np.zeros(weighted.shape[1]),
        A_eq=np.concatenate([problem.probabilities, np.full(added, terms.Q - terms.eta)])[None],
        b_eq=[terms.eta],
        bounds=[(0, terms.Q)] * patterns + [(0, None)] * added,
    )
    return float(solved.fun) if solved.status == 0 else np.inf


@pytest.mark.parametrize(("samples", "labels"), [(400, 3), (6000, 13)], ids=["few", "grouped"])
def test_they_are_the_fewest(samples: int, labels: int) -> None:
    corpus = random_corpus(5, samples, 2, labels, labels_each=4.0, tilt=0.8)
    problem = corpus.problem(LIMITS)
    y = np.repeat(np.vstack([np.zeros(labels), np.eye(labels)]), len(S), axis=0).astype(np.bool_)
    s = np.tile(S, (labels + 1, 1))
    empty = RowHistogram.of(corpus.histogram)
    rows = empty.with_samples(s, y, np.ones(len(s), np.int64))
    candidates = problem_of(_last(rows, len(s)), problem.terms)
    prices = problem.vector_of(solve(problem).duals)
    groups = groups_by_score(problem, prices)
    found = fewest_samples(problem, groups, s, y, WITHOUT_END)
    best = fewest_of_all(problem, candidates)
    assert 0 < best < np.inf and found.mends
    assert found.least <= best * (1 + 1e-6)
    assert best * (1 - 1e-6) <= found.added.sum() <= best * (1 + 5e-3)
    assert (len(problem.probabilities) > groups.max() + 1) == (samples > 1000)


def test_what_candidates_cannot_mend_is_told() -> None:
    """Nobody carries both attributes, of which more than half each are asked for."""
    corpus = random_corpus(1, 400, 2, 0, target=0.7)
    problem = corpus.problem(LIMITS)
    prices = problem.vector_of(solve(problem).duals)
    one_each = S[:2]
    found = fewest_samples(
        problem, groups_by_score(problem, prices), one_each, np.zeros((2, 0), np.bool_), WITHOUT_END
    )
    assert not found.mends


def _last(rows: RowHistogram, n: int) -> RowHistogram:
    """The last n rows."""
    return replace(
        rows,
        patterns=rows.patterns[-n:],
        counts=rows.counts[-n:],
        utility_sums=rows.utility_sums[-n:],
        rows_s=rows.rows_s[-n:],
        rows_y=rows.rows_y[-n:],
        rows_utility=rows.rows_utility[-n:],
    )
