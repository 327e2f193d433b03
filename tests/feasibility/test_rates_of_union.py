"""The largest rate beside what was written before: against HiGHS, and where there is none.

What is attainable may be so by a hair, at a rate or two that trials pass by: next to nothing is
missed there.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests import linear
from tests.m4.test_union import constants, moments, written_part
from tests.problems import Corpus, corpus, random_corpus
from transforms.config.sections import Balance
from transforms.feasibility.rate_bounds import (
    largest_rate_bound,
    least_at_any_rate,
    least_rate_bound,
    rates_allowed,
    representation_bound,
)
from transforms.feasibility.rates import LargestRate, balance_as_asked, largest_rate
from transforms.m4.balance import balance


def found_for(samples: Corpus, written: Corpus, **bounds: float | None) -> LargestRate:
    asked = Balance(eta="auto", **bounds)
    return largest_rate(samples.histogram, samples.attributes, asked, written=moments(written))


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.floats(-2, 2)), min_size=1, max_size=6),
    st.floats(0.5, 2),
    st.floats(-1, 1),
)
def test_the_bounds_are_where_the_least_mean_crosses_nothing(
    pairs: list[tuple[float, float]], Q: float, constant: float
) -> None:
    """The least E[q b] + constant, rate by rate, by filling the cheapest first."""
    p, b = np.array(sorted(pairs, key=lambda pair: pair[1])).T
    p, b, constant = p / p.sum(), b.round(2), round(constant, 3)
    filled = np.concatenate([[0.0], np.cumsum(p)]) * Q
    least = np.concatenate([[0.0], np.cumsum(p * b)]) * Q + constant
    rates = np.linspace(0, Q, 2001)
    allowed = rates[np.interp(rates, filled, least) <= 1e-12]
    low = least_rate_bound(p, b, Q, constant)
    high = largest_rate_bound(p, b, Q, constant)
    if len(allowed):
        step = Q / 2000
        assert allowed[0] - step <= low <= allowed[0] + 1e-9
        assert allowed[-1] - 1e-9 <= high <= allowed[-1] + step
    else:
        assert high - low <= Q / 2000


def test_a_closed_form() -> None:
    """20 of 100 that were written carry it; with 100 of 200 that do, and half wanted to within 0.1
    of all: x of those and y of the others with (20 + x) / (100 + x + y) >= 0.4.
    """
    samples = corpus([[1], [0]], [[], []], counts=[100, 100])
    written = corpus([[1], [0]], [[], []], counts=[20, 80])
    found = found_for(samples, written, max_representation_bias=0.1)
    assert found.rate == pytest.approx(1.0, abs=2e-3)
    tighter = found_for(samples, written, max_representation_bias=0.0)
    assert tighter.rate == pytest.approx((100 + 40) / 200, abs=2e-3)
    assert tighter.upper == pytest.approx(0.7, abs=1e-6)
    assert tighter.balanced.attained


@given(
    seed=st.integers(0, 2**31),
    size=st.sampled_from([30, 300, 3_000]),
    m=st.integers(1, 2),
    rb=st.sampled_from([0.0, 0.02, 0.1]),
    skew=st.sampled_from([None, 0.1, 0.3]),
    Q=st.sampled_from([1.0, 2.0]),
)
@settings(max_examples=40)
def test_the_rate_is_the_optimum_of_the_linear_program(
    seed: int, size: int, m: int, rb: float, skew: float | None, Q: float
) -> None:
    samples, written = random_corpus(seed, 400, m, 3), written_part(seed, size, m, 3)
    bounds = {"max_representation_bias": rb, "max_label_skew": skew, "max_association_bias": None}
    found = found_for(samples, written, Q=Q, **bounds)
    problem = found.balanced.problem
    added = constants(found.balanced, samples, written)
    best = linear.largest_rate(problem, added)
    if np.isnan(best):
        least = linear.least_excess_at_any_rate(problem, added)
        assert found.upper == 0 and found.missed is not None
        assert found.balanced.solution.excess <= least * (1 + 1e-3) + 2e-6
        assert least * (1 - 1e-3) - 1e-6 <= found.missed.least <= least + 1e-9
        return
    assume(best > 1e-3)
    assume(found.balanced.attained or found.balanced.solution.excess > 1e-4)
    assert found.balanced.attained
    assert found.rate <= best * (1 + 1e-9) + 1e-6
    assert found.rate >= best - 1.5e-3 * min(best, 1)
    assert found.upper >= best - 1e-9
    assert representation_bound(problem) >= best - 1e-9


def test_too_few_cannot_mend_what_was_written() -> None:
    """Attainable rates end, and begin above 0: a tenth of 1,000 is needed at least."""
    samples = corpus([[1], [0]], [[], []], counts=[500, 500])
    written = corpus([[1], [0]], [[], []], counts=[100, 200])
    found = found_for(samples, written, max_representation_bias=0.0)
    assert found.rate == pytest.approx(0.9, abs=2e-3)
    for rate, attained in ((0.05, False), (0.11, True), (0.89, True), (0.95, False)):
        asked = Balance(eta=rate, max_representation_bias=0.0)
        tried = balance(samples.histogram, samples.attributes, asked, written=moments(written))
        assert tried.attained == attained
        if not attained:
            low, high = rates_allowed(tried.problem, tried.problem.vector_of(tried.solution.duals))
            assert low == pytest.approx(0.1, abs=1e-6) if rate < 0.1 else low < 0.1
            assert high == pytest.approx(0.9, abs=1e-6) if rate > 0.9 else high > 0.9


def test_where_trials_pass_below_what_is_attainable_they_turn_back() -> None:
    """Two bounds that hold from 0.1 up and from 0.1005 down, nearly: found by halving."""
    samples = corpus([[1], [0]], [[], []], counts=[100, 900])
    written = corpus([[1], [0]], [[], []], counts=[101, 198])
    found = found_for(samples, written, max_representation_bias=0.0)
    best = linear.largest_rate(found.balanced.problem, constants(found.balanced, samples, written))
    assert found.balanced.attained
    assert found.rate == pytest.approx(best, abs=2e-3)


def test_where_nothing_can_mend_it_the_rate_is_the_one_that_misses_least() -> None:
    """Of 3,000 that were written 300 carry it; all 40 of 100 who do come, and nobody else."""
    samples = corpus([[1], [0]], [[], []], counts=[40, 60])
    written = corpus([[1], [0]], [[], []], counts=[300, 2_700])
    found = found_for(samples, written, max_representation_bias=0.1)
    assert found.rate == pytest.approx(0.4, abs=2e-3)
    assert found.upper == 0
    assert found.missed is not None
    assert found.missed.least == pytest.approx((0.4 * 3_040 - 340) / 100, rel=1e-3)
    assert found.balanced.proven and found.balanced.certified


def test_of_rates_that_miss_as_little_it_is_the_largest() -> None:
    """What only the written part carries is missed at every rate alike."""
    samples = corpus([[1], [0]], [[0], [0]], counts=[40, 60])
    written = corpus([[1], [0]], [[1], [0]], counts=[3, 2])
    found = found_for(
        samples,
        written,
        max_representation_bias=0.1,
        max_association_bias=None,
        max_label_skew=0.1,
    )
    assert found.rate == pytest.approx(1.0, abs=2e-3)
    assert found.upper == 0
    assert found.missed is not None
    assert found.missed.least == pytest.approx(3 * 0.4 / 100)
    assert found.balanced.solution.missed == ("share of people.0 within things.0, from above",)


def test_prices_prove_it_at_every_rate() -> None:
    samples, written = random_corpus(1, 300, 2, 3), written_part(1, 20_000, 2, 3)
    asked = Balance(eta=0.5, max_representation_bias=0.0, max_association_bias=0.0)
    found = balance(samples.histogram, samples.attributes, asked, written=moments(written))
    multipliers = found.proofs[0].multipliers
    added = constants(found, samples, written)
    least = multipliers.max() * least_at_any_rate(found.problem, multipliers)
    assert 0 < least <= linear.least_excess_at_any_rate(found.problem, added) + 1e-9


def test_what_violations_cost_and_what_comes_first_is_asked_at_that_rate() -> None:
    samples, written = random_corpus(1, 300, 2, 3), written_part(1, 20_000, 2, 3)
    asked = Balance(
        eta="auto",
        max_representation_bias=0.0,
        max_association_bias=0.0,
        priority=("association",),
    )
    balanced, found = balance_as_asked(
        samples.histogram, samples.attributes, asked, moments(written)
    )
    assert found is not None and found.upper == 0
    assert balanced.problem.terms.eta == found.rate
    assert balanced.proofs[0].kinds == ("association",)
    assert balanced.certified


def test_a_large_written_part_within_bounds_leaves_the_rate_open() -> None:
    samples = random_corpus(7, 2_000, 2, 3, tilt=0.8)
    good = corpus(
        [[1, 1], [1, 0], [0, 1], [0, 0]] * 2,
        [[1, 0, 0]] * 4 + [[0, 0, 0]] * 4,
        counts=100_000,
    )
    found = found_for(samples, replace(good, attributes=samples.attributes))
    assert found.rate == pytest.approx(1.0, abs=2e-3)
    assert found.balanced.attained
