"""Bounds on shares of attributes and labels: as dense formulas, and against HiGHS."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.linear import largest_rate, least_excess, least_excesses
from tests.problems import Corpus, corpus, dense_constraints, random_corpus
from transforms.config.balance import ShareBound
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.feasibility import rates
from transforms.m4.balance import balance, terms_asked
from transforms.m4.constraints import (
    SHARE,
    ConstraintTable,
    arranged,
    constraints_under,
    flattened,
    unflattened,
)
from transforms.m4.dual import Dual
from transforms.m4.problem import problem_of
from transforms.m4.solver import scores_of
from transforms.m4.terms import integrated
from transforms.statistics.moments import Moments

SHARES = (
    ShareBound("people.0", None, 1, 0.4),
    ShareBound(None, "things.1", -1, 0.3),
    ShareBound("people.1", None, -1, 0.2),
    ShareBound(None, "things.0", 1, 0.1),
)


def some_corpus(seed: int, share_of: str = "all", untargeted: bool = False) -> Corpus:
    samples = random_corpus(seed, 300, 2, 3, tilt=0.8, share_of=share_of, noisy_utility=True)
    if not untargeted:
        return samples
    first, second = samples.attributes
    return replace(samples, attributes=(first, replace(second, target=None)))


def asked(*shares: ShareBound, eta: float | str = 0.5, **other: object) -> Balance:
    return Balance.model_validate({"eta": eta, **other}).with_shares(shares)


@pytest.mark.parametrize("skew", [None, 0.2])
@pytest.mark.parametrize("share_of", ["all", "group"])
@pytest.mark.parametrize("untargeted", [False, True])
def test_residuals_scores_and_moments_are_those_of_the_formulas(
    skew: float | None, share_of: str, untargeted: bool
) -> None:
    samples = some_corpus(0, share_of, untargeted)
    wanted = asked(*SHARES, max_label_skew=skew)
    terms = terms_asked(samples.histogram, samples.attributes, wanted)
    problem = problem_of(samples.histogram, terms)
    dense, dual = dense_constraints(problem), Dual(problem)
    random = np.random.default_rng(1)
    q, prices = random.random(len(dense)), random.random(dense.shape[1])
    expected = (problem.probabilities * q) @ dense
    assert dual.residuals(q) == pytest.approx(expected, abs=1e-12)
    assert dual.scores(prices) == pytest.approx(dense @ prices, abs=1e-12)
    assert scores_of(problem, prices) == pytest.approx(dense @ prices, abs=1e-12)
    moments = Moments.of_corpus(samples.histogram, samples.attributes, q)
    means = integrated(moments.over(samples.histogram.samples), terms)
    assert problem.expected_biases(means) == pytest.approx(expected, abs=1e-12)


def test_bounds_on_shares_come_last_in_their_order() -> None:
    samples = some_corpus(0)
    terms = terms_asked(samples.histogram, samples.attributes, asked(*SHARES))
    rows, table = constraints_under(terms)[-4:], ConstraintTable.of(terms)
    assert [row.name for row in rows] == [
        "share of people.0, at most 0.4",
        "share of things.1, at least 0.3",
        "share of people.1, at least 0.2",
        "share of things.0, at most 0.1",
    ]
    assert set(table.kind[-4:].tolist()) == {SHARE} and SHARE not in table.kind[:-4]
    vector = np.arange(float(len(table.kind)))
    by_kind = unflattened(vector, terms)
    assert by_kind["share"].tolist() == vector[-4:].tolist()
    assert np.array_equal(flattened(by_kind, terms), vector)
    names = [attribute.name for attribute in samples.attributes]
    again = arranged(zip(constraints_under(terms), vector, strict=True), names, terms.labels, 0.0)
    assert all(np.array_equal(again[kind], by_kind[kind]) for kind in by_kind)


@given(
    seed=st.integers(0, 2**31),
    eta=st.sampled_from([0.4, 0.8]),
    share_of=st.sampled_from(["all", "group"]),
    untargeted=st.booleans(),
    bounds=st.lists(st.floats(0.02, 0.9), min_size=4, max_size=4),
)
@settings(max_examples=25, derandomize=True)
def test_what_is_missed_is_the_linear_program_s_least(
    seed: int, eta: float, share_of: str, untargeted: bool, bounds: list[float]
) -> None:
    samples = some_corpus(seed, share_of, untargeted)
    shares = [replace(one, bound=bound) for one, bound in zip(SHARES, bounds, strict=True)]
    wanted = asked(*shares, eta=eta, max_association_bias=None)
    found = balance(samples.histogram, samples.attributes, wanted)
    best = least_excess(found.problem)
    assert found.certified
    assert found.least_excess <= best + 1e-9
    assert best - 1e-9 <= found.solution.excess <= best * (1 + 2e-4) + 1e-6
    assert found.attained == (best < 1e-7) or best < 1e-5


@pytest.mark.parametrize("first", ["share", "representation"])
def test_shares_have_a_rank(first: str) -> None:
    samples = some_corpus(3)
    shares = (ShareBound("people.0", None, 1, 0.1), ShareBound(None, "things.2", -1, 0.6))
    wanted = asked(*shares, eta=0.9, max_association_bias=None, priority=[first])
    found = balance(samples.histogram, samples.attributes, wanted)
    ranks = [proof.kinds for proof in found.proofs]
    assert ranks[0] == (first,) and len(ranks) == 2
    for proof, best in zip(found.proofs, least_excesses(found.problem, ranks), strict=True):
        assert proof.excess == pytest.approx(best, rel=1e-3, abs=1e-6)
        assert proof.least == pytest.approx(best, rel=1e-3, abs=1e-6)


def test_what_is_met_is_met_in_the_shares_themselves() -> None:
    samples = random_corpus(5, 4000, 2, 3, tilt=0.5)
    before = balance(samples.histogram, samples.attributes, asked(max_association_bias=None))
    shares = (
        ShareBound(None, "things.2", -1, float(before.measures.label_share[2]) + 0.03),
        ShareBound(None, "things.0", 1, float(before.measures.label_share[0]) - 0.03),
    )
    found = balance(
        samples.histogram, samples.attributes, asked(*shares, max_association_bias=None)
    )
    assert found.attained and found.certified
    assert found.measures.label_share[2] == pytest.approx(shares[0].bound, abs=1e-6)
    assert found.measures.label_share[0] == pytest.approx(shares[1].bound, abs=1e-6)
    assert found.solution.primal > before.solution.primal


def test_a_name_without_a_target_has_its_share_bounded_alone() -> None:
    samples = corpus([[1, 0], [0, 1], [0, 0]], [[1], [0], [0]], counts=[10, 20, 70])
    first, second = samples.attributes
    attributes = (replace(first, target=None), replace(second, target=0.2))
    wanted = asked(ShareBound("people.0", None, -1, 0.15), max_association_bias=0.9)
    found = balance(samples.histogram, attributes, wanted)
    assert found.attained
    assert found.measures.share[0] == pytest.approx(0.15)
    assert found.measures.share[1] == pytest.approx(0.2, abs=0.0101)
    assert np.isnan(found.measures.RB[0]) and np.isnan(found.measures.skew[0]).all()
    asks = {row.constraint.attribute for row in found.solution.constraints if row.price}
    assert asks <= {"people.0", "people.1"}


def test_at_least_of_what_nobody_carries_is_missed() -> None:
    samples = corpus([[1], [0]], [[0], [0]], counts=[50, 50])
    wanted = asked(ShareBound(None, "things.0", -1, 0.01))
    found = balance(samples.histogram, samples.attributes, wanted)
    assert found.solution.missed == ("share of things.0, at least 0.01",)
    assert found.least_excess == pytest.approx(0.5 * 0.01)


def test_the_largest_rate_is_that_of_the_linear_program() -> None:
    attributes = (Attribute("people.0", "people", None, "all"),)
    samples = replace(random_corpus(1, 2000, 1, 2), attributes=attributes)
    shares = (ShareBound("people.0", None, 1, 0.2), ShareBound(None, "things.1", -1, 0.4))
    found = rates.largest_rate(samples.histogram, attributes, asked(*shares, eta="auto"))
    best = largest_rate(found.balanced.problem)
    assert found.rate <= best <= found.upper + 1e-9
    assert found.rate == pytest.approx(best, abs=2e-3)
