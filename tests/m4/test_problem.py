"""The problem's constraints, prices and weights."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from tests.problems import Corpus, Limits, corpus, dense_constraints, random_corpus
from transforms.base.errors import FairshardError
from transforms.config.schema import Attribute
from transforms.m4.constraints import Constraint
from transforms.m4.terms import Integrands, integrands_of
from transforms.m4.weights import weights_of
from transforms.statistics.patterns import utility_bins, utility_widths

BALANCE = Limits(eta=0.6, eps_R=0.02, eps_D=0.03, delta=0.1, label_centre=0.2)


def naive_weights(samples: Corpus, prices: np.ndarray, mu: float, limits: Limits) -> np.ndarray:
    """q of every sample, from the definition, constraint by constraint."""
    problem = samples.problem(limits)
    names = [attribute.name for attribute in samples.attributes]
    weights = []
    for s, y, u in zip(samples.s, samples.y, samples.utility, strict=True):
        score = 0.0
        for constraint, price in zip(problem.constraints, prices, strict=True):
            k = names.index(constraint.attribute)
            attribute = samples.attributes[k]
            base = s.sum() if attribute.share_of == "group" else 1
            share = constraint.sign * (s[k] - attribute.target * base)
            if constraint.kind == "representation":
                score += price * (share - limits.eps_R * base)
            elif constraint.kind == "association":
                among, p = min(base, 1), attribute.target
                carried = y[problem.terms.labels.index(constraint.label)] - limits.label_centre
                contrast = constraint.sign * (s[k] - p * among)
                spread = (1 - p) ** 2 * s[k] + p**2 * (among - s[k])
                score += price * (contrast * carried - limits.eps_D * spread)
            else:
                carried = y[problem.terms.labels.index(constraint.label)]
                score += price * (share - limits.delta * base) * carried
        weights.append(min(max(limits.eta * u - score - mu, 0), limits.Q))
    return np.array(weights)


def test_integrands_of_all_and_of_a_group() -> None:
    s = np.array([[1, 0, 1], [1, 1, 0], [0, 0, 1]], dtype=np.bool_)
    attributes = (
        Attribute("people.a", "people", 0.4, "group"),
        Attribute("people.b", "people", 0.6, "group"),
        Attribute("age.old", "age", 0.25, "all"),
    )
    terms = replace(BALANCE.terms(attributes, ()), centres=np.array([0.5, 0.2, 0.1]))
    found = integrands_of(s, terms)
    assert found.share == pytest.approx(
        np.array([[0.6, -0.6, 0.75], [0.2, -0.2, -0.25], [0.0, 0.0, 0.75]])
    )
    assert np.array_equal(found.base, [[1, 1, 1], [2, 2, 1], [0, 0, 1]])
    assert found.contrast == pytest.approx(
        np.array([[0.5, -0.2, 0.9], [0.5, 0.8, -0.1], [0.0, 0.0, 0.9]])
    )
    assert found.spread == pytest.approx(
        np.array([[0.25, 0.04, 0.81], [0.25, 0.64, 0.01], [0.0, 0.0, 0.81]])
    )


@pytest.mark.parametrize("share_of", ["all", "group"])
def test_weights_are_the_definition(share_of: str) -> None:
    samples = random_corpus(3, 60, 3, 4, share_of=share_of, target=0.3, noisy_utility=True)
    problem = samples.problem(BALANCE)
    prices = np.random.default_rng(0).uniform(0, 0.2, len(problem.constraints))
    weights = weights_of(
        samples.s,
        sp.csr_array(samples.y.astype(float)),
        samples.utility,
        problem.terms,
        problem.duals_of(prices, 0.1),
    )
    assert weights == pytest.approx(naive_weights(samples, prices, 0.1, BALANCE), abs=1e-12)
    assert np.any((weights > 0) & (weights < 1))


@given(st.integers(0, 2**31), st.booleans())
def test_weights_of_a_sample_do_not_depend_on_its_company(seed: int, shuffled_labels: bool) -> None:
    samples = random_corpus(seed, 40, 2, 6)
    problem = samples.problem(BALANCE)
    random = np.random.default_rng(seed)
    duals = problem.duals_of(random.uniform(0, 1, len(problem.constraints)), 0.05)
    labels = sp.csr_array(samples.y.astype(float))
    weights = weights_of(samples.s, labels, samples.utility, problem.terms, duals)
    chosen = random.permutation(40)[:17]
    alone = sp.csr_array(labels[chosen])
    if shuffled_labels:
        for row in range(len(chosen)):
            part = slice(alone.indptr[row], alone.indptr[row + 1])
            alone.indices[part] = alone.indices[part][::-1].copy()
        alone.has_sorted_indices = False
    again = weights_of(samples.s[chosen], alone, samples.utility[chosen], problem.terms, duals)
    assert np.array_equal(again, weights[chosen])


def test_prices_have_the_order_of_the_constraints() -> None:
    problem = random_corpus(1, 50, 2, 3).problem(BALANCE)
    prices = np.arange(len(problem.constraints), dtype=np.float64)
    duals = problem.duals_of(prices, 0.0)
    assert np.array_equal(problem.vector_of(duals), prices)
    by_kind = {
        "representation": duals.representation,
        "association": duals.association,
        "skew": duals.skew,
    }
    for constraint, price in zip(problem.constraints, prices, strict=True):
        names = [attribute.name for attribute in problem.terms.attributes]
        where = [int(constraint.sign < 0), names.index(constraint.attribute)]
        if constraint.label is not None:
            where.append(problem.terms.labels.index(constraint.label))
        assert by_kind[constraint.kind][tuple(where)] == price


def test_without_delta_there_is_no_skew() -> None:
    problem = random_corpus(1, 50, 2, 3).problem(Limits(eta=0.5))
    assert {constraint.kind for constraint in problem.constraints} == {
        "representation",
        "association",
    }
    duals = problem.duals_of(np.ones(len(problem.constraints)), 0.0)
    assert duals.skew.shape == (2, 2, 3)
    assert not duals.skew.any()


@pytest.mark.parametrize("share_of", ["all", "group"])
def test_expected_biases_are_the_constraints_means(share_of: str) -> None:
    problem = random_corpus(7, 80, 3, 4, share_of=share_of, target=0.3).problem(BALANCE)
    mass = problem.probabilities * np.random.default_rng(0).uniform(0, 1, len(problem.group))
    labels = np.column_stack([problem.y.toarray(), np.ones(len(mass))])
    at = problem.integrands[problem.group]
    moments = Integrands(
        *((labels * mass[:, None]).T @ x for x in (at.share, at.base, at.contrast, at.spread))
    )
    expected = mass @ dense_constraints(problem)
    assert problem.expected_biases(moments) == pytest.approx(expected, abs=1e-14)


def test_names_say_what_is_capped() -> None:
    assert Constraint("skew", "people.a", "things.b", -1).name == (
        "share of people.a within things.b, from below"
    )
    assert Constraint("representation", "people.a", None, 1).name == (
        "share of people.a, from above"
    )


def test_the_utility_bound_is_zero_on_bin_edges_and_covers_the_variance_within_bins() -> None:
    assert random_corpus(2, 300, 2, 2).problem(BALANCE).utility_error_bound == 0
    samples = random_corpus(2, 3000, 2, 2, noisy_utility=True)
    bins = utility_bins(samples.utility)
    _, pattern = np.unique(
        np.column_stack([samples.s, samples.y, bins]), axis=0, return_inverse=True
    )
    sizes = np.bincount(pattern.reshape(-1))
    means = np.bincount(pattern.reshape(-1), samples.utility) / sizes
    variance = np.mean((samples.utility - means[pattern.reshape(-1)]) ** 2)
    bound = samples.problem(BALANCE).utility_error_bound
    assert BALANCE.eta**2 / 2 * variance < bound
    assert bound <= BALANCE.eta**2 / 2 * np.mean(utility_widths(bins) ** 2) / 4


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (corpus(np.zeros((0, 1)), np.zeros((0, 1))), "counts no samples"),
        (corpus([[1], [0]], [[1], [0]], utility=0.0), "utility of every sample is 0"),
    ],
)
def test_nothing_to_balance_is_one_sentence(samples: Corpus, words: str) -> None:
    with pytest.raises(FairshardError, match=words) as raised:
        samples.problem(BALANCE)
    assert "\n" not in str(raised.value)
