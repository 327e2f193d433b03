"""A corpus beside what was written before: bounds on the union, against HiGHS and Clarabel."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests import linear
from tests.problems import (
    Corpus,
    Limits,
    corpus,
    dense_constants,
    dense_constraints,
    random_corpus,
)
from tests.quadratic import clarabel_optimum
from transforms.config.balance import GenerationBounds, ShareBound
from transforms.config.sections import Balance
from transforms.m4.balance import Balanced, balance
from transforms.m4.problem import problem_of
from transforms.m4.solver import solve
from transforms.statistics.measures import Measures, measures_of
from transforms.statistics.moments import Moments

Vector = NDArray[np.float64]

shares_of = st.sampled_from(["all", "group"])
sizes = st.sampled_from([3, 60, 300, 20_000])


def written_part(seed: int, samples: int, m: int, c: int, share_of: str = "all") -> Corpus:
    """What was written: as biased as the corpus that it came from, one way or another."""
    drawn = random_corpus(seed + 1, min(samples, 300), m, c, tilt=1.0, share_of=share_of)
    return replace(drawn, counts=drawn.counts * max(samples // 300, 1))


def moments(samples: Corpus) -> Moments:
    return Moments.of_corpus(samples.histogram, samples.attributes)


def constants(found: Balanced, samples: Corpus, written: Corpus) -> Vector:
    return dense_constants(found.problem, written.histogram) / samples.histogram.samples


def union_of(found: Balanced, samples: Corpus, written: Corpus) -> Measures:
    """The measures of both, row by row: histograms of one and weights of the other."""
    drawn = Moments.of_corpus(samples.histogram, samples.attributes, found.solution.q)
    return measures_of(drawn.plus(moments(written)), samples.attributes)


@given(
    seed=st.integers(0, 2**31),
    size=sizes,
    m=st.integers(1, 3),
    c=st.integers(0, 4),
    eta=st.sampled_from([0.2, 0.6, 1.0]),
    eps=st.sampled_from([0.0, 0.02]),
    delta=st.sampled_from([None, 0.1]),
    share_of=shares_of,
)
@settings(max_examples=40)
def test_the_optimum_is_that_of_the_quadratic_program_with_the_constant(
    seed: int, size: int, m: int, c: int, eta: float, eps: float, delta: float | None, share_of: str
) -> None:
    samples = random_corpus(seed, 200, m, c, share_of=share_of, noisy_utility=True)
    written = written_part(seed, size, m, c, share_of)
    terms = Limits(eta, eps_R=eps, eps_D=eps, delta=delta).terms(
        samples.attributes, samples.histogram.labels
    )
    problem = problem_of(samples.histogram, terms, moments(written))
    found = solve(problem)
    added = dense_constants(problem, written.histogram) / 200
    slack = (problem.probabilities * found.q) @ dense_constraints(problem) + added
    assert [row.slack for row in found.constraints] == pytest.approx(slack, abs=1e-9)
    assert found.rate == pytest.approx(eta, abs=1e-12)
    assert found.gap <= 1e-6
    best, _ = clarabel_optimum(problem, constants=added)
    assert found.primal == pytest.approx(best, rel=1e-5, abs=1e-6)


@given(
    seed=st.integers(0, 2**31),
    size=sizes,
    eta=st.sampled_from([0.2, 0.6, 0.95]),
    bound=st.sampled_from([0.0, 0.02]),
    skew=st.sampled_from([None, 0.1]),
    share_of=shares_of,
)
@settings(max_examples=30)
def test_what_is_missed_is_the_least_there_is_and_proven(
    seed: int, size: int, eta: float, bound: float, skew: float | None, share_of: str
) -> None:
    samples = random_corpus(seed, 300, 2, 3, tilt=1.0, share_of=share_of)
    written = written_part(seed, size, 2, 3, share_of)
    asked = Balance(
        eta=eta, max_representation_bias=bound, max_association_bias=bound, max_label_skew=skew
    )
    found = balance(samples.histogram, samples.attributes, asked, written=moments(written))
    best = linear.least_excess(found.problem, constants=constants(found, samples, written))
    assert found.certified
    assert found.least_excess <= best + 1e-9 * max(1, size)
    assert found.solution.excess <= best * (1 + 2e-4) + 1e-6
    assert found.proven <= (best > 0)
    measured = union_of(found, samples, written)
    np.testing.assert_allclose(found.union.AB, measured.AB, atol=1e-12)
    if not found.solution.missed:
        assert measured.max_RB <= bound + 1e-5
        assert measured.max_AB <= bound + 1e-5
        assert skew is None or measured.max_skew <= skew + 1e-5


def test_weights_mend_what_was_written() -> None:
    """20 of 100 that were written carry it, and half of all should: with 200 more at a rate of a
    half, 80 of the 100 that are drawn.
    """
    samples = corpus([[1], [0]], [[], []], counts=[100, 100])
    written = corpus([[1], [0]], [[], []], counts=[20, 80])
    asked = Balance(eta=0.5, max_representation_bias=0.0)
    found = balance(samples.histogram, samples.attributes, asked, written=moments(written))
    by_attribute = dict(zip(samples.histogram.s[:, 0].tolist(), found.solution.q, strict=True))
    assert by_attribute == {True: pytest.approx(0.8), False: pytest.approx(0.2)}
    assert found.union.share[0] == pytest.approx(0.5)
    assert found.measures.share[0] == pytest.approx(0.8)
    assert found.measures.samples == pytest.approx(100)
    assert found.union.samples == pytest.approx(200)
    assert found.attained


def test_nothing_written_changes_nothing() -> None:
    samples = random_corpus(3, 2_000, 2, 4, tilt=0.8)
    asked = Balance(eta=0.4, max_association_bias=0.01)
    nothing = moments(samples).times(0.0)
    plain = balance(samples.histogram, samples.attributes, asked)
    beside = balance(samples.histogram, samples.attributes, asked, written=nothing)
    np.testing.assert_allclose(beside.solution.q, plain.solution.q, atol=1e-5)
    assert beside.solution.primal == pytest.approx(plain.solution.primal, rel=1e-6)
    np.testing.assert_array_equal(beside.union.AB, beside.measures.AB)


def test_a_little_more_of_the_same_cannot_mend_much() -> None:
    """A written part a thousand times as large: by how much it stays missed is proven."""
    samples = random_corpus(1, 300, 2, 3, tilt=1.0)
    written = random_corpus(2, 300, 2, 3, tilt=1.5)
    written = replace(written, counts=written.counts * 1000)
    asked = Balance(eta=0.5, max_representation_bias=0.0, max_association_bias=0.0)
    found = balance(samples.histogram, samples.attributes, asked, written=moments(written))
    best = linear.least_excess(found.problem, constants=constants(found, samples, written))
    assert found.proven and found.certified
    assert found.solution.excess == pytest.approx(best, rel=1e-4)
    assert found.least_excess == pytest.approx(best, rel=1e-4)


def test_what_only_the_written_part_carries_is_missed_and_moves_nothing() -> None:
    """All three with the label carry the attribute; no new sample has the label."""
    samples = corpus([[1], [0]], [[0], [0]], counts=[60, 40])
    written = corpus([[1], [0]], [[1], [0]], counts=[3, 2])
    asked = Balance(
        eta=0.5, max_representation_bias=0.1, max_association_bias=None, max_label_skew=0.1
    )
    found = balance(samples.histogram, samples.attributes, asked, written=moments(written))
    assert found.solution.missed == ("share of people.0 within things.0, from above",)
    assert found.solution.excess == pytest.approx(3 * 0.4 / 100)
    assert found.least_excess == pytest.approx(3 * 0.4 / 100)
    assert found.certified and found.proven
    assert found.solution.dropped == ()
    plain = asked.model_copy(update={"max_label_skew": None})
    without = balance(samples.histogram, samples.attributes, plain, written=moments(written))
    np.testing.assert_allclose(found.solution.q, without.solution.q, atol=1e-6)


def test_an_association_with_a_label_that_is_no_longer_there_is_diluted() -> None:
    """The label was written with the attribute alone; more of both without it make it rarer."""
    samples = corpus([[1], [0]], [[0], [0]], counts=[500, 500])
    written = corpus([[1], [1], [0]], [[1], [0], [0]], counts=[10, 40, 50])
    asked = Balance(eta=0.4, max_representation_bias=None, max_association_bias=0.03)
    found = balance(samples.histogram, samples.attributes, asked, written=moments(written))
    assert found.attained
    assert found.union.AB[0, 0] == pytest.approx(0.03, abs=2e-6)
    q = dict(zip(samples.histogram.s[:, 0].tolist(), found.solution.q, strict=True))
    assert q[True] > q[False]


def test_a_group_that_is_no_longer_there_is_not_nobody() -> None:
    samples = corpus([[0, 0]], [[0]], counts=[100], share_of="group")
    written = corpus([[1, 0], [0, 1]], [[0], [0]], counts=[50, 50], share_of="group")
    asked = Balance(eta=0.5, max_representation_bias=0.01, max_association_bias=None)
    found = balance(samples.histogram, samples.attributes, asked, written=moments(written))
    assert found.attained
    assert found.solution.missed == found.solution.dropped == ()


def test_shares_are_bounded_in_the_union() -> None:
    samples = corpus([[1], [0]], [[1], [0]], counts=[500, 500])
    written = corpus([[1], [0]], [[1], [0]], counts=[10, 90])
    asked = Balance(eta=0.2, max_representation_bias=None, max_association_bias=None)
    asked = asked.with_shares([ShareBound(None, "things.0", -1, 0.4)])
    found = balance(samples.histogram, samples.attributes, asked, written=moments(written))
    assert found.union.label_share[0] == pytest.approx(0.4, abs=1e-5)
    assert found.measures.label_share[0] == pytest.approx(0.55, abs=1e-5)


@given(
    seed=st.integers(0, 2**31),
    size=st.sampled_from([0, 60, 600]),
    eta=st.sampled_from([0.3, 0.8]),
    share_of=shares_of,
    skew=st.sampled_from([None, 0.2]),
)
@settings(max_examples=30)
def test_a_generation_has_bounds_of_its_own(
    seed: int, size: int, eta: float, share_of: str, skew: float | None
) -> None:
    samples = random_corpus(seed, 300, 2, 3, tilt=1.0, share_of=share_of)
    written = written_part(seed, size, 2, 3, share_of) if size else None
    own = GenerationBounds(
        max_representation_bias=0.05, max_association_bias=0.08, max_label_skew=skew
    )
    asked = Balance(
        eta=eta, max_representation_bias=0.01, max_association_bias=0.03, generation=own
    )
    before = moments(written) if written else None
    found = balance(samples.histogram, samples.attributes, asked, written=before)
    added = constants(found, samples, written) if written else None
    best = linear.least_excess(found.problem, constants=added)
    assert found.certified
    assert found.solution.excess == pytest.approx(best, rel=2e-4, abs=2e-6)
    assert sum(row.constraint.generation for row in found.solution.constraints) in (16, 28)
    if not found.solution.missed:
        assert found.measures.max_RB <= 0.05 + 1e-5
        assert found.measures.max_AB <= 0.08 + 1e-5
        assert skew is None or found.measures.max_skew <= skew + 1e-5
        assert found.union.max_RB <= 0.01 + 1e-5
        assert found.union.max_AB <= 0.03 + 1e-5
    problem = found.problem
    solution = solve(problem)
    value, _ = clarabel_optimum(problem, constants=0.0 if added is None else added)
    assert solution.primal == pytest.approx(value, rel=1e-5, abs=1e-6)


def test_a_generation_is_not_biased_to_mend_another_where_that_is_asked() -> None:
    samples = corpus([[1], [0]], [[], []], counts=[500, 500])
    written = corpus([[1], [0]], [[], []], counts=[20, 80])
    loose = Balance(eta=0.2, max_representation_bias=0.02)
    own = GenerationBounds(max_representation_bias=0.1)
    held = loose.model_copy(update={"generation": own})
    before = moments(written)
    plain = balance(samples.histogram, samples.attributes, loose, written=before)
    found = balance(samples.histogram, samples.attributes, held, written=before)
    assert plain.attained and plain.measures.RB[0] == pytest.approx(0.12)
    assert not found.attained and found.proven
    assert found.measures.RB[0] == pytest.approx(0.1, abs=1e-5)
    assert found.solution.missed == ("share of people.0, from below",)
    rows = {row.constraint.name: row for row in found.solution.constraints}
    assert rows["share of people.0 in the generation, from above"].price > 0
