"""What cannot be met, and by how much it is missed at least: against HiGHS on linear programs."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.linear import largest_rate, least_excess
from tests.problems import Limits, corpus, random_corpus
from transforms.config.balance import KINDS
from transforms.config.sections import Balance
from transforms.feasibility.rates import balance_as_asked
from transforms.m4.balance import balance
from transforms.m4.shortfall import Ranked
from transforms.m4.solver import solve
from transforms.statistics.moments import Moments


@given(
    seed=st.integers(0, 2**31),
    eta=st.sampled_from([0.3, 0.6, 0.9]),
    bound=st.sampled_from([0.0, 0.005, 0.02]),
    skew=st.sampled_from([None, 0.1]),
)
@settings(max_examples=25)
def test_the_least_excess_is_the_linear_program_s(
    seed: int, eta: float, bound: float, skew: float | None
) -> None:
    samples = random_corpus(seed, 300, 2, 4, tilt=1.0)
    asked = Balance(
        eta=eta, max_representation_bias=bound, max_association_bias=bound, max_label_skew=skew
    )
    found = balance(samples.histogram, samples.attributes, asked)
    best = least_excess(found.problem)
    assert found.certified
    assert found.least_excess <= best + 1e-9
    assert found.solution.excess >= best - 1e-9
    assert found.solution.excess <= best * (1 + 2e-4) + 1e-6
    assert found.proven <= (best > 0)
    assert found.proven or best <= 1e-6


@pytest.mark.parametrize("V", [0.03, 0.3])
def test_a_low_price_proves_nothing_that_is_not_so(V: float) -> None:
    """What is asked is missed where violations are cheap, and all of it can be met."""
    samples = random_corpus(2, 3000, 2, 4, tilt=0.8)
    asked = Balance(eta=0.4, V=V, max_association_bias=0.01)
    found = balance(samples.histogram, samples.attributes, asked)
    assert found.solution.missed
    assert not found.proven
    assert not found.certified
    assert least_excess(found.problem) == pytest.approx(0, abs=1e-9)
    left_open = asked.model_copy(update={"V": "auto"})
    assert balance(samples.histogram, samples.attributes, left_open).attained


@pytest.mark.parametrize("V", [0.3, "auto"])
def test_the_largest_rate_does_not_depend_on_what_violations_cost(V: float | str) -> None:
    samples = random_corpus(2, 3000, 2, 4, tilt=0.8)
    asked = Balance(eta="auto", V=V, max_association_bias=0.01)
    balanced, found = balance_as_asked(samples.histogram, samples.attributes, asked)
    assert found is not None
    best = largest_rate(balanced.problem)
    assert found.rate == pytest.approx(best, abs=2e-3)
    assert bool(balanced.solution.missed) == (V == 0.3)


@pytest.mark.parametrize("scale", [1, 100, 1e5])
def test_what_utilities_are_measured_in_does_not_decide_what_is_met(scale: float) -> None:
    """At a price of 100, three constraints are missed where utilities are about 100."""
    samples = random_corpus(3, 2000, 2, 4, noisy_utility=True)
    samples = replace(samples, utility=samples.utility * scale)
    asked = Balance(eta=0.4, max_association_bias=0.01)
    assert balance(samples.histogram, samples.attributes, asked).attained
    fixed = balance(samples.histogram, samples.attributes, asked.model_copy(update={"V": 100.0}))
    assert bool(fixed.solution.missed) == (scale > 1)
    assert not fixed.proven


def test_weights_are_the_closest_of_the_least_excess() -> None:
    """30 of 100 carry it and half should, at a rate of 0.8: all of them stay, and of the others as
    many as the rate asks for, alike.
    """
    samples = corpus([[1], [0]], [[], []], counts=[30, 70])
    found = balance(samples.histogram, samples.attributes, Balance(eta=0.8))
    by_attribute = dict(zip(samples.histogram.s[:, 0].tolist(), found.solution.q, strict=True))
    assert by_attribute == {True: pytest.approx(1), False: pytest.approx(5 / 7)}
    assert found.least_excess == pytest.approx(0.8 * 0.49 - 0.3)
    assert found.solution.excess == pytest.approx(0.8 * 0.49 - 0.3)
    assert found.certified
    assert found.proven


def test_of_a_sample_nothing_is_proven() -> None:
    samples = corpus([[1], [0]], [[], []], counts=[30, 70])
    problem = samples.problem(Limits(eta=0.8))
    solution = solve(problem)
    prices, ranks = problem.vector_of(solution.duals), (KINDS,)
    assert Ranked(problem, solution, ranks).proof(0, prices).least > 0
    moments = Moments.of_corpus(samples.histogram, samples.attributes).over(1e9)
    of_sample = Ranked(replace(problem, surplus=moments), solution, ranks)
    assert of_sample.proof(0, prices).least == 0
