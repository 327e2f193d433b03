"""The largest rate: against closed forms, and against HiGHS on the linear program itself."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tests import linear
from tests.problems import Corpus, Limits, corpus, dense_constraints, random_corpus
from transforms.base.errors import FairshardError
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.feasibility.rate_bounds import (
    largest_rate_bound,
    rate_bound,
    representation_bound,
)
from transforms.feasibility.rates import LargestRate, largest_rate
from transforms.m4.balance import balance
from transforms.m4.shortfall import deficit
from transforms.m4.solver import scores_of, solve
from transforms.m4.terms import VACUOUS

RB_ALONE = {"max_association_bias": None}


def found_for(samples: Corpus, **bounds: float | None) -> LargestRate:
    return largest_rate(samples.histogram, samples.attributes, Balance(eta="auto", **bounds))


@pytest.mark.parametrize(("carriers", "Q", "best"), [(300, 1, 0.75), (700, 1, 0.75), (300, 2, 1.5)])
def test_one_attribute_and_no_label_have_a_closed_form(
    carriers: int, Q: float, best: float
) -> None:
    """RB = 0.1 around a half: Q E[s] / 0.4 where few carry it, and its mirror image."""
    samples = corpus([[1], [0]], [[], []], counts=[carriers, 1000 - carriers])
    found = found_for(samples, Q=Q, max_representation_bias=0.1)
    assert found.rate == pytest.approx(best, rel=1e-3)
    assert found.upper == pytest.approx(best)
    assert found.balanced.attained


def test_two_sides_of_a_group_have_a_closed_form() -> None:
    """60 % carry nothing and are kept; of 30 % and 10 % at equal shares 20 % can be."""
    samples = corpus(
        [[0, 0], [1, 0], [0, 1]], [[], [], []], counts=[600, 300, 100], share_of="group"
    )
    found = found_for(samples, max_representation_bias=0.0)
    assert found.rate == pytest.approx(0.8, abs=1e-3)
    assert found.upper == pytest.approx(0.8)


@given(
    seed=st.integers(0, 2**31),
    m=st.integers(1, 3),
    rb=st.sampled_from([0.0, 0.02, 0.1]),
    skew=st.sampled_from([None, 0.05, 0.2]),
    Q=st.sampled_from([1.0, 2.0]),
)
@settings(max_examples=30)
def test_the_rate_is_the_optimum_of_the_linear_program(
    seed: int, m: int, rb: float, skew: float | None, Q: float
) -> None:
    samples = random_corpus(seed, 500, m, 4)
    found = found_for(
        samples, Q=Q, max_representation_bias=rb, max_label_skew=skew, max_association_bias=None
    )
    limits = Limits(eta=0.5, Q=Q, eps_R=rb, eps_D=VACUOUS, delta=skew)
    best = linear.largest_rate(samples.problem(limits))
    assert found.rate <= best * (1 + 1e-9) + 1e-6
    assert found.rate >= best - 1.5e-3 * min(best, 1)
    assert found.upper >= best - 1e-9
    assert found.upper <= best * 1.01


@given(
    seed=st.integers(0, 2**31), eta=st.sampled_from([0.8, 0.95]), V=st.sampled_from([1.0, 100.0])
)
@settings(max_examples=30)
def test_prices_bound_the_rate_of_problems_with_association(
    seed: int, eta: float, V: float
) -> None:
    problem = random_corpus(seed, 400, 2, 3, tilt=1.0).problem(Limits(eta, V=V, eps_D=0.002))
    solution = solve(problem)
    prices = problem.vector_of(solution.duals)
    best = linear.largest_rate(problem)
    assert rate_bound(problem, prices) >= best - 1e-9
    assert representation_bound(problem) >= best - 1e-9
    least = deficit(problem, prices).least
    assert least <= 1e-9 or eta > best
    assert (least > 0) == (rate_bound(problem, prices) < eta)


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.floats(-2, 2)), min_size=1, max_size=6),
    st.floats(0.5, 2),
)
def test_the_bound_is_the_least_over_all_scales(pairs: list[tuple[float, float]], Q: float) -> None:
    p, b = np.array(pairs).T
    p, b = p / p.sum(), b.round(2)
    scales = np.concatenate([[0.0], 1 / b[b > 0]])
    least = min(Q * p @ np.maximum(0, 1 - t * b) for t in scales)
    assert largest_rate_bound(p, b, Q) == pytest.approx(least, abs=1e-9)


def test_rounding_proves_nothing() -> None:
    """Of a group of two the shares are each other's mirror image: prices alike on both cancel, but
    for rounding.
    """
    samples = corpus([[1, 0], [0, 1]], [[], []], counts=[40, 60], share_of="group")
    targets = ("people.0", "people", 0.3, "group"), ("people.1", "people", 0.7, "group")
    attributes = tuple(Attribute(*target) for target in targets)
    problem = replace(samples, attributes=attributes).problem(Limits(0.9, eps_R=0.0))
    prices = np.array([0.7, 0.7, 0.0, 0.0])
    assert 0 < np.abs(scores_of(problem, prices)).max() < 1e-15
    assert rate_bound(problem, prices) == 1.0
    assert deficit(problem, prices).least <= 0


@pytest.mark.parametrize("V", [0.3, 1.0, 3.0])
def test_where_prices_are_capped_the_next_rate_still_misses(V: float) -> None:
    samples = random_corpus(2, 3000, 2, 4, tilt=0.8)
    found = found_for(samples, V=V, max_association_bias=0.01)
    asked = Balance(eta=found.rate * 1.0012, V=V, max_association_bias=0.01)
    assert not balance(samples.histogram, samples.attributes, asked).attained


def test_the_deficit_is_the_least_over_all_weights() -> None:
    problem = random_corpus(4, 300, 2, 3).problem(Limits(0.9))
    prices = np.random.default_rng(5).random(len(problem.constraints))
    found = deficit(problem, prices)
    scores = dense_constraints(problem) @ prices / prices.max()
    least = linprog(
        problem.probabilities * scores,
        A_eq=problem.probabilities[None],
        b_eq=[0.9],
        bounds=(0, 1),
    ).fun
    assert np.allclose(found.scores, scores)
    assert found.least == pytest.approx(least)


@pytest.mark.parametrize("seed", range(4))
def test_above_the_rate_found_something_is_missed_and_below_it_nothing_is(seed: int) -> None:
    samples = random_corpus(seed, 4000, 2, 5, tilt=0.8)
    bounds = {"max_representation_bias": 0.02, "max_association_bias": 0.01}
    found = found_for(samples, **bounds)
    measures = found.balanced.measures
    assert measures.max_RB <= 0.02 + 1e-5 and measures.max_AB <= 0.01 + 1e-5
    for rate in (0.5 * found.rate, 0.98 * found.rate):
        asked = Balance(eta=rate, **bounds)
        assert balance(samples.histogram, samples.attributes, asked).attained
    asked = Balance(eta=found.rate + 2e-3, **bounds)
    assert not balance(samples.histogram, samples.attributes, asked).attained


def test_looser_bounds_and_more_copies_allow_larger_rates() -> None:
    samples = random_corpus(7, 3000, 2, 4, tilt=0.8)
    tight = found_for(samples, max_association_bias=0.005)
    loose = found_for(samples, max_association_bias=0.05)
    assert tight.rate < loose.rate
    twice = found_for(samples, max_association_bias=0.005, Q=2)
    assert twice.rate == pytest.approx(2 * tight.rate, rel=4e-3)


def test_where_nothing_is_asked_everything_can_be_kept() -> None:
    samples = random_corpus(8, 500, 2, 3)
    found = found_for(samples, max_representation_bias=None, max_association_bias=None)
    assert (found.rate, found.upper) == (1.0, 1.0)


def test_where_no_rate_will_do_one_sentence_says_what_is_in_the_way() -> None:
    nobody = corpus([[1, 0], [0, 0]], [[], []], counts=[60, 40], target=0.4)
    with pytest.raises(
        FairshardError, match=r"no sample carries people\.1; .*share of people\.1, "
    ):
        found_for(nobody, max_representation_bias=0.05)
    always = corpus([[1, 1], [0, 1]], [[], []], counts=[60, 40])
    with pytest.raises(FairshardError, match=r"stay in the way \(share of people\.1, from above"):
        found_for(always, max_representation_bias=0.05)
