"""The exact solver: closed forms, an independent solver, degenerate problems, invariances."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.problems import Corpus, Limits, corpus, dense_constraints, random_corpus
from tests.quadratic import clarabel_optimum
from transforms.m4.incidence import Pairs
from transforms.m4.problem import Problem
from transforms.m4.solver import Solution, solve
from transforms.m4.weights import weights_of
from transforms.statistics.measures import measure

balances = st.builds(
    lambda rate, Q, eps, delta, V: Limits(
        eta=rate * Q, Q=Q, eps_R=eps, eps_D=eps, delta=delta, V=V
    ),
    st.sampled_from([0.1, 0.4, 0.7, 0.95, 1.0]),
    st.sampled_from([1.0, 1.0, 3.0]),
    st.sampled_from([0.0, 0.005, 0.03]),
    st.sampled_from([None, None, 0.05]),
    st.sampled_from([1.0, 100.0]),
)
corpora = st.builds(
    random_corpus,
    st.integers(0, 2**31),
    st.sampled_from([1, 7, 60, 300]),
    st.integers(1, 3),
    st.integers(0, 5),
    labels_each=st.just(1.5),
    tilt=st.sampled_from([0.1, 1.0]),
    share_of=st.sampled_from(["all", "group"]),
    noisy_utility=st.booleans(),
)


def check_certificate(problem: Problem, solution: Solution) -> None:
    """Everything that a solution claims, recomputed from q and the prices alone, densely."""
    balance, w, q = problem.terms, problem.probabilities, solution.q
    prices = np.array([row.price for row in solution.constraints])
    slack = (w * q) @ dense_constraints(problem)
    assert q.min() >= 0
    assert q.max() <= balance.Q
    assert solution.rate == pytest.approx(balance.eta, abs=1e-12)
    assert w @ q == pytest.approx(balance.eta, abs=1e-12)
    assert prices.min(initial=0) >= 0
    assert prices.max(initial=0) <= balance.V
    assert [row.slack for row in solution.constraints] == pytest.approx(slack, abs=1e-12)
    moved = w @ (q - balance.eta * problem.utility) ** 2 / 2
    assert solution.primal == pytest.approx(moved + balance.V * np.maximum(slack, 0).sum())
    assert solution.dual == pytest.approx(moved + prices @ slack, abs=1e-9)
    assert solution.dual <= solution.primal
    assert solution.violation == pytest.approx(max(slack.max(initial=0), 0), abs=1e-12)
    assert 0 <= solution.gap <= 1e-6


def check_against_clarabel(problem: Problem, solution: Solution) -> None:
    """The same optimum; and q, as near as the gap promises (the objective is strongly convex)."""
    value, q = clarabel_optimum(problem)
    assert solution.primal == pytest.approx(value, rel=2e-6, abs=1e-8)
    distance = np.sqrt(problem.probabilities @ (solution.q - q) ** 2)
    assert distance <= np.sqrt(2 * (solution.primal - solution.dual)) + 2e-3


def test_one_attribute_without_labels_has_a_closed_form() -> None:
    samples = corpus([[1], [0]], [[], []], counts=[30, 70])
    solution = solve(samples.problem(Limits(eta=0.5, eps_R=0.02)))
    carrying, lacking = 0.5 * (0.5 - 0.02) / 0.3, 0.5 * (0.5 + 0.02) / 0.7
    assert solution.q == pytest.approx([lacking, carrying], abs=1e-9)
    assert solution.duals.representation[1, 0] == pytest.approx(carrying - lacking, abs=1e-8)
    assert solution.missed == ()
    balanced = measure(samples.histogram, samples.attributes, solution.q)
    assert balanced.max_RB == pytest.approx(0.02)


def test_one_attribute_and_one_label_have_a_closed_form() -> None:
    counts = [30, 10, 20, 40]
    samples = corpus([[1], [0], [1], [0]], [[1], [1], [0], [0]], counts=counts)
    eta, eps = 0.5, 0.01
    solution = solve(samples.problem(Limits(eta=eta, eps_R=0.45, eps_D=4 * eps)), 1e-12)
    price = 2 * eta * (0.2 - 2 * eps) / (0.4 - 0.2**2)
    base = eta + price * 0.2 / 2
    assert solution.duals.association[0, 0, 0] == pytest.approx(price, abs=1e-8)
    expected = {(1, 1): base - price / 2, (0, 1): base + price / 2, (1, 0): base, (0, 0): base}
    histogram = samples.histogram
    for s, y, q in zip(histogram.s, histogram.y.toarray(), solution.q, strict=True):
        assert q == pytest.approx(expected[int(s[0]), int(y[0])], abs=1e-8)


def test_nothing_to_do_keeps_every_sample_alike() -> None:
    samples = corpus([[1], [0], [1], [0]], [[1], [1], [0], [0]], counts=25)
    solution = solve(samples.problem(Limits(eta=0.7)))
    assert solution.q == pytest.approx(np.full(4, 0.7))
    assert solution.primal == pytest.approx(0, abs=1e-20)
    assert solution.gap == 0
    assert solution.iterations == 0


@pytest.mark.parametrize("seed", range(8))
def test_random_problems_agree_with_an_independent_solver(seed: int) -> None:
    samples = random_corpus(
        seed,
        300,
        1 + seed % 3,
        4,
        share_of=["all", "group"][seed % 2],
        target=0.3,
        noisy_utility=seed % 4 == 3,
    )
    delta = 0.05 if seed % 3 == 0 else None
    problem = samples.problem(Limits(eta=0.4, eps_R=0.003, eps_D=0.003, delta=delta))
    solution = solve(problem)
    check_certificate(problem, solution)
    check_against_clarabel(problem, solution)


def complementary(samples: Corpus) -> Corpus:
    s = samples.s.copy()
    s[:, 1] = ~s[:, 0]
    return replace(samples, s=s)


def duplicate_label(samples: Corpus) -> Corpus:
    y = samples.y.copy()
    y[:, 1] = y[:, 0]
    return replace(samples, y=y)


def constant_attribute(value: bool) -> Corpus:
    samples = random_corpus(11, 200, 2, 3)
    s = samples.s.copy()
    s[:, 0] = value
    return replace(samples, s=s)


def full_label(samples: Corpus) -> Corpus:
    y = samples.y.copy()
    y[:, 0] = True
    return replace(samples, y=y)


def rare_label() -> Corpus:
    s = [[1], [0], [1], [0], [1], [0]]
    y = [[1, 0], [1, 0], [0, 0], [0, 0], [0, 1], [0, 1]]
    return corpus(s, y, counts=[30_000, 10_000, 20_000, 39_990, 8, 2])


SMALL = random_corpus(11, 200, 2, 3)
DEGENERATE = {
    "complementary attributes": (complementary(SMALL), Limits(eta=0.5)),
    "duplicate labels": (duplicate_label(SMALL), Limits(eta=0.5)),
    "both, and nothing tolerated": (
        complementary(duplicate_label(SMALL)),
        Limits(eta=0.5, eps_R=0, eps_D=0),
    ),
    "an attribute that no sample has": (constant_attribute(False), Limits(eta=0.5)),
    "an attribute that every sample has": (constant_attribute(True), Limits(eta=0.5)),
    "a label that every sample has": (full_label(SMALL), Limits(eta=0.5)),
    "a label in 10,000 samples": (rare_label(), Limits(eta=0.5, delta=0.05)),
    "every sample is kept": (SMALL, Limits(eta=1)),
    "nearly every sample is kept": (SMALL, Limits(eta=0.9999)),
    "hardly any sample is kept": (SMALL, Limits(eta=1e-3)),
    "samples may repeat": (SMALL, Limits(eta=1, Q=4, eps_R=0, eps_D=0)),
    "every sample is repeated": (SMALL, Limits(eta=3, Q=3)),
    "cheap violations": (SMALL, Limits(eta=0.8, V=0.05)),
    "one pattern": (corpus([[1, 0]], [[1, 0]], counts=9), Limits(eta=0.5, delta=0.1)),
    "no labels": (random_corpus(1, 90, 2, 0), Limits(eta=0.8, delta=0.1)),
    "nobody of the group": (corpus([[0]], [[1]], share_of="group"), Limits(eta=0.5)),
    "targets that contradict": (
        replace(
            complementary(SMALL),
            attributes=tuple(replace(a, target=0.8) for a in SMALL.attributes),
        ),
        Limits(eta=0.5),
    ),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_problems_are_solved(name: str) -> None:
    samples, balance = DEGENERATE[name]
    problem = samples.problem(balance)
    solution = solve(problem)
    check_certificate(problem, solution)
    check_against_clarabel(problem, solution)


def test_the_edge_of_feasibility() -> None:
    """With 30 % carrying the attribute, half of the output can carry it up to eta = 0.3 / 0.48."""
    samples = corpus([[1], [0]], [[], []], counts=[30, 70])
    edge = 0.3 / (0.5 - 0.02)
    for eta, attainable in ((edge, True), (edge * 1.001, False)):
        solution = solve(samples.problem(Limits(eta=eta, eps_R=0.02)))
        assert solution.gap <= 1e-6
        assert solution.q[1] == pytest.approx(1, abs=1e-6)
        assert (solution.missed == ()) is attainable
    assert solution.missed == ("share of people.0, from below",)
    assert solution.violation == pytest.approx(edge * 1.001 * 0.48 - 0.3)
    assert solution.duals.representation[1, 0] == 100


def test_every_sample_kept_means_every_weight_is_the_largest() -> None:
    for Q in (1.0, 3.0):
        solution = solve(SMALL.problem(Limits(eta=Q, Q=Q)))
        assert (solution.q == Q).all()


def test_a_label_that_no_sample_carries_is_dropped_and_named() -> None:
    y = SMALL.y.copy()
    y[:, 2] = False
    problem = replace(SMALL, y=y).problem(Limits(eta=0.5, delta=0.1))
    solution = solve(problem)
    check_certificate(problem, solution)
    expected = {row.name for row in problem.constraints if row.label == "things.2"}
    assert set(solution.dropped) == expected
    assert len(expected) == 8
    assert not solution.duals.association[:, :, 2].any()
    assert not expected & set(solution.missed)


@given(corpora, balances)
def test_every_solution_is_certified(samples: Corpus, balance: Limits) -> None:
    problem = samples.problem(balance)
    check_certificate(problem, solve(problem))


@given(corpora, balances, st.floats(0.05, 0.95))
@settings(max_examples=20)
def test_splitting_patterns_changes_nothing(samples: Corpus, balance: Limits, share: float) -> None:
    problem = samples.problem(balance)
    twice = np.repeat(np.arange(len(problem.probabilities)), 2)
    split = replace(
        problem,
        probabilities=problem.probabilities[twice]
        * np.tile([share, 1 - share], len(problem.probabilities)),
        utility=problem.utility[twice],
        group=problem.group[twice],
        y=problem.y[twice],
        pairs=Pairs.of(problem.group[twice], problem.y[twice]),
    )
    whole, parts = solve(problem), solve(split)
    assert parts.primal == pytest.approx(whole.primal, rel=2e-6, abs=1e-9)
    assert np.array_equal(parts.q[::2], parts.q[1::2])
    apart = problem.probabilities @ (parts.q[::2] - whole.q) ** 2
    gaps = whole.primal - whole.dual + parts.primal - parts.dual
    assert apart <= 8 * gaps + 1e-12


@given(corpora, balances, st.integers(2, 10**6))
@settings(max_examples=20)
def test_scaling_counts_changes_nothing(samples: Corpus, balance: Limits, factor: int) -> None:
    solution = solve(samples.problem(balance))
    scaled = solve(replace(samples, counts=samples.counts * factor).problem(balance))
    assert np.array_equal(scaled.q, solution.q)
    assert scaled.gap == solution.gap


@given(st.integers(0, 2**31), st.permutations(range(4)))
@settings(max_examples=20)
def test_permuting_labels_permutes_prices(seed: int, order: list[int]) -> None:
    samples = random_corpus(seed, 300, 1, 4)
    balance = Limits(eta=0.5, eps_D=0.005, V=1)
    solution = solve(samples.problem(balance), 1e-10)
    permuted = solve(replace(samples, y=samples.y[:, order]).problem(balance), 1e-10)
    assert permuted.duals.representation == pytest.approx(solution.duals.representation, abs=1e-3)
    assert permuted.duals.association == pytest.approx(
        solution.duals.association[:, :, order], abs=1e-3
    )


@pytest.mark.parametrize("balance", [Limits(eta=0.4, delta=0.05), Limits(eta=0.9, Q=2)])
def test_workers_give_each_sample_the_weight_of_its_pattern(balance: Limits) -> None:
    samples = random_corpus(4, 500, 3, 20, share_of="group", target=0.3)
    histogram = samples.histogram
    solution = solve(samples.problem(balance))
    weights = weights_of(
        samples.s,
        sp.csr_array(samples.y.astype(float)),
        samples.utility,
        balance.terms(samples.attributes, histogram.labels),
        solution.duals,
    )
    flags = np.hstack([samples.s, samples.y])
    patterns = np.hstack([histogram.s, histogram.y.toarray().astype(np.bool_)])
    known = {row.tobytes(): q for row, q in zip(patterns, solution.q, strict=True)}
    assert [known[row.tobytes()] for row in flags] == weights.tolist()
    assert len(np.unique(weights)) > 40
