"""Soft attributes, sample by sample."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from tests.noisy import noisy_corpus
from transforms.calibration.log_odds import CorrectedHistogram, LogOdds, soft_attributes


def odds(seed: int, m: int, c: int, scale: float) -> LogOdds:
    random = np.random.default_rng(seed)
    effects = random.normal(0, scale, (m, 2, 1 + m + c))
    return LogOdds(random.random(m) < 0.8, effects)


@given(
    seed=st.integers(0, 2**31),
    n=st.integers(0, 20),
    m=st.integers(1, 3),
    c=st.integers(0, 4),
    scale=st.sampled_from([0.0, 1.0, 1e3]),
)
def test_soft_attributes_are_probabilities_by_their_definition(
    seed: int, n: int, m: int, c: int, scale: float
) -> None:
    random = np.random.default_rng(seed)
    s, y = random.random((n, m)) < 0.5, random.random((n, c)) < 0.4
    given_odds = odds(seed, m, c, scale)
    soft = soft_attributes(s, sp.csr_array(y, dtype=float), given_odds)
    assert soft.shape == (n, m)
    assert soft.min(initial=0) >= 0
    assert soft.max(initial=1) <= 1
    for row in range(n):
        for k in range(m):
            expected = float(s[row, k])
            if given_odds.checked[k]:
                terms = given_odds.effects[k, int(s[row, k])]
                sum_ = terms[0] + terms[1:] @ np.concatenate([s[row], y[row]])
                expected = 1 / (1 + math.exp(-sum_)) if sum_ > -700 else 0.0
                assert soft[row, k] == pytest.approx(expected, rel=0.004, abs=1e-7)
            else:
                assert soft[row, k] == expected


def test_a_sample_alone_has_the_probabilities_that_it_has_among_others() -> None:
    world = noisy_corpus(0, n=500)
    given_odds = odds(4, 2, world.y.shape[1], 1.0)
    y = sp.csr_array(world.y, dtype=float)
    together = soft_attributes(world.recognised, y, given_odds)
    for row in range(0, 500, 50):
        alone = soft_attributes(world.recognised[[row]], y[[row]], given_odds)
        assert np.array_equal(alone[0], together[row])


def test_a_recogniser_that_is_always_right_gives_nearly_what_it_recognised() -> None:
    world = noisy_corpus(0, n=4000)
    right = type(world)(world.true, world.true, world.y, world.attributes)
    calibration = right.calibration(2000, 0)
    corrected = CorrectedHistogram.of(right.histogram, calibration.odds)
    assert corrected.s == pytest.approx(right.histogram.s.astype(float), abs=0.02)


def test_corrected_shares_are_the_true_ones_and_not_the_recognised_ones() -> None:
    world = noisy_corpus(1)
    histogram = world.histogram
    corrected = CorrectedHistogram.of(histogram, world.calibration(20_000, 0).odds)
    true = world.true.mean(axis=0)
    assert histogram.counts @ corrected.s / histogram.samples == pytest.approx(true, abs=0.006)
    assert np.abs(world.recognised.mean(axis=0) - true).max() > 0.03
    for r in range(world.y.shape[1]):
        carried = histogram.counts * (histogram.y[:, [r]].toarray()[:, 0] > 0)
        within = carried @ corrected.s / carried.sum()
        assert within == pytest.approx(world.true[world.y[:, r]].mean(axis=0), abs=0.025)
