"""Moments against the constraints and measures that follow from them."""

import numpy as np
import pytest

from tests.problems import Limits, corpus, dense_constraints, random_corpus
from transforms.m4.terms import integrands_of, integrated
from transforms.statistics.measures import measure, measures_of
from transforms.statistics.moments import Moments


@pytest.mark.parametrize("share_of", ["all", "group"])
def test_every_constraint_follows_from_the_moments(share_of: str) -> None:
    samples = random_corpus(3, 400, 3, 5, share_of=share_of, noisy_utility=True)
    problem = samples.problem(Limits(0.5, delta=0.1, label_centre=0.3))
    q = np.random.default_rng(0).random(len(problem.probabilities))
    moments = Moments.of_corpus(samples.histogram, samples.attributes, q).over(400)
    expected = (problem.probabilities * q) @ dense_constraints(problem)
    found = problem.expected_biases(integrated(moments, problem.terms))
    np.testing.assert_allclose(found, expected, atol=1e-14)
    assert moments.total == pytest.approx(problem.probabilities @ q)


@pytest.mark.parametrize("share_of", ["all", "group"])
def test_they_add_up_and_go_through_a_vector(share_of: str) -> None:
    samples = random_corpus(4, 300, 2, 6, share_of=share_of)
    histogram, attributes = samples.histogram, samples.attributes
    q = np.random.default_rng(1).random(len(histogram))
    whole = Moments.of_corpus(histogram, attributes, q)
    parts = [np.arange(len(q)) % 2 == half for half in (0, 1)]
    one, other = (Moments.of_corpus(histogram, attributes, q * part) for part in parts)
    np.testing.assert_allclose(one.plus(other).vector, whole.vector, atol=1e-12)
    np.testing.assert_allclose(whole.minus(one).vector, other.vector, atol=1e-12)
    again = Moments.from_vector(whole.vector, len(attributes))
    np.testing.assert_array_equal(again.vector, whole.vector)
    np.testing.assert_array_equal(again.o, whole.o)
    ours, theirs = measures_of(whole, attributes), measure(histogram, attributes, q)
    np.testing.assert_array_equal(ours.AB, theirs.AB)


def test_centres_are_shares_among_those_who_take_part() -> None:
    samples = corpus([[1, 0], [0, 1], [0, 0]], [[1], [0], [1]], counts=[3, 1, 4], share_of="group")
    moments = Moments.of_corpus(samples.histogram, samples.attributes)
    shares, label_shares = moments.centres(samples.attributes)
    np.testing.assert_allclose(shares, [0.75, 0.25])
    np.testing.assert_allclose(label_shares, [[0.75], [0.75]])
    nobody = Moments.of_corpus(samples.histogram, samples.attributes, 0.0)
    assert nobody.centres(samples.attributes)[0].tolist() == [0.5, 0.5]
    terms = samples.problem(Limits(0.5)).terms
    at = integrands_of(samples.histogram.s, terms)
    np.testing.assert_allclose(
        integrated(moments, terms).contrast[-1], samples.histogram.counts @ at.contrast
    )
