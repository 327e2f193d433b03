"""Histograms of rows tell the same as the corpora that they are of."""

import numpy as np
from numpy.testing import assert_allclose

from tests.problems import corpus, random_corpus
from transforms.config.sections import Balance
from transforms.m4.balance import balance
from transforms.statistics.measures import measure
from transforms.statistics.row_histograms import RowHistogram


def test_rows_are_balanced_as_their_histogram_is() -> None:
    samples = random_corpus(1, 1000, 2, 3, noisy_utility=True)
    asked = Balance(eta=0.4, max_association_bias=0.02)
    one = balance(samples.histogram, samples.attributes, asked).solution
    other = balance(RowHistogram.of(samples.histogram), samples.attributes, asked).solution
    assert_allclose(one.q, other.q, atol=1e-9)
    assert other.utility_error_bound == 0


def test_some_columns_tell_of_each_distinct_row_once() -> None:
    samples = random_corpus(2, 1000, 3, 6)
    part = RowHistogram.of(samples.histogram).only([0, 2], [1, 4])
    assert part.attributes == ("people.0", "people.2")
    assert part.labels == ("things.1", "things.4")
    assert len(part) <= 16 and part.samples == 1000
    attributes = (samples.attributes[0], samples.attributes[2])
    whole, some = measure(samples.histogram, samples.attributes), measure(part, attributes)
    assert_allclose(some.share, whole.share[[0, 2]])
    assert_allclose(some.AB, whole.AB[np.ix_([0, 2], [1, 4])])
    assert_allclose(some.skew, whole.skew[np.ix_([0, 2], [1, 4])])


def test_added_samples_count_like_any_others() -> None:
    few = corpus([[1], [0]], [[1], [0]], counts=[30, 70])
    more = RowHistogram.of(few.histogram).with_samples(
        np.array([[True]]), np.array([[False]]), np.array([50])
    )
    all_of_them = corpus([[1], [0], [1]], [[1], [0], [0]], counts=[30, 70, 50])
    one, other = measure(more, few.attributes), measure(all_of_them.histogram, few.attributes)
    assert one.samples == other.samples == 150
    assert_allclose(one.share, other.share)
    assert_allclose(one.AB, other.AB)
