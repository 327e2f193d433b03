"""Bounds on shares that no weights meet, against linear programs."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog

from transforms.config.balance import ShareBound
from transforms.config.schema import Attribute
from transforms.feasibility.out_of_reach import out_of_reach
from transforms.m4.terms import Terms, Tolerances
from transforms.statistics.moments import Moments

ATTRIBUTES = (Attribute("g.a", "g", 0.5, "group"), Attribute("g.b", "g", 0.5, "group"))
PATTERNS = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], bool)
ONE_LABEL = sp.csr_array(np.array([[1.0], [0.0], [0.0], [1.0]]))


def terms(
    eta: float, R: float = 0.02, shares: tuple[ShareBound, ...] = (), Q: float = 1.0
) -> Terms:
    none = np.ones((2, 1))
    tolerances = Tolerances(np.full(2, R), none, none)
    return Terms(
        ATTRIBUTES, ("l.x",), tolerances, np.full(2, 0.5), none / 2, eta, Q, 100.0, {}, shares
    )


def least_bias(counts: np.ndarray, asked: Terms, k: int, written: Moments | None) -> float:
    """The least RB of k over all weights, by bisection on linear programs."""
    p = counts / counts.sum()
    s, n = PATTERNS[:, k].astype(float), PATTERNS.sum(axis=1).astype(float)
    W = (0.0, 0.0)
    if written is not None:
        W = (written.s[k, -1] / counts.sum(), written.n[k, -1] / counts.sum())
    low, high = 0.0, 1.0
    for _ in range(40):
        R = (low + high) / 2
        rows, limits = [], []
        for sign in (1, -1):
            rows.append(p * (sign * (s - 0.5 * n) - R * n))
            limits.append(-(sign * (W[0] - 0.5 * W[1]) - R * W[1]))
        found = linprog(
            np.zeros(4), rows, limits, [p], [asked.eta], bounds=(0, asked.Q), method="highs"
        )
        low, high = (low, R) if found.status == 0 else (R, high)
    return high


@pytest.mark.parametrize("seed", range(12))
def test_it_is_what_a_linear_program_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 200, 4).astype(float)
    asked = terms(float(rng.uniform(0.2, 0.95)))
    written = None
    if seed % 2:
        mass = rng.uniform(0, 300, 4) * np.array([1, rng.uniform(0, 1), 1, 1])
        written = Moments.of(ATTRIBUTES, PATTERNS, ONE_LABEL, mass)
    found = {one.attribute for one in out_of_reach(asked, PATTERNS, ONE_LABEL, counts, written)}
    for k, attribute in enumerate(ATTRIBUTES):
        least = least_bias(counts, asked, k, written)
        if least > 0.02 + 0.01:
            assert attribute.name in found
        if least <= 0.02:
            assert attribute.name not in found


def test_a_share_of_a_label_is_bounded_too() -> None:
    counts = np.array([10.0, 40.0, 40.0, 10.0])
    most = ShareBound(None, "l.x", -1, 0.5)
    found = out_of_reach(terms(0.5, 1.0, (most,)), PATTERNS, ONE_LABEL, counts)
    assert [one.name for one in found] == ["share of l.x, at least 0.5"]
    assert not out_of_reach(terms(0.4, 1.0, (most,)), PATTERNS, ONE_LABEL, counts)
    assert not out_of_reach(terms(0.9, 1.0, (most,), Q=9.0), PATTERNS, ONE_LABEL, counts)


def test_at_any_rate_less_is_out_of_reach() -> None:
    counts = np.array([5.0, 95.0, 0.0, 0.0])
    assert len(out_of_reach(terms(0.5), PATTERNS, ONE_LABEL, counts)) == 2
    assert not out_of_reach(terms(1.0), PATTERNS, ONE_LABEL, counts, None, True)
    men = Moments.of(ATTRIBUTES, PATTERNS, ONE_LABEL, np.array([0.0, 50.0, 0.0, 0.0]))
    assert len(out_of_reach(terms(1.0), PATTERNS, ONE_LABEL, counts, men, True)) == 2
