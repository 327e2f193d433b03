"""The sampling errors, against draws."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import TypeAdapter

from transforms.config.schema import Attribute
from transforms.statistics.histogram import Histogram, HistogramAccumulator
from transforms.statistics.measures import PerMeasure, measure
from transforms.statistics.standard_errors import corpus_error, sampling_error, worst_of


def _attributes(share_of: str, count: int = 2) -> tuple[Attribute, ...]:
    return tuple(Attribute(f"g.{k}", "g", 0.3 + 0.1 * k, share_of) for k in range(count))


def _histogram(seed: int, overlap: bool) -> Histogram:
    """400 samples of two attributes and three labels that go with them."""
    rng = np.random.default_rng(seed)
    s = rng.random((400, 2)) < (0.45, 0.3)
    if not overlap:
        s[:, 1] &= ~s[:, 0]
    y = rng.random((400, 3)) < 0.2 + 0.5 * s @ rng.random((2, 3))
    flags = np.hstack([s, y])
    names = (("g.0", "g.1"), ("l.0", "l.1", "l.2"))
    return HistogramAccumulator(*names).add_rows(flags, np.ones(400)).extract()


@pytest.mark.parametrize("share_of", ["all", "group"])
def test_sampling_errors_are_those_of_independent_draws(share_of: str) -> None:
    histogram, attributes = _histogram(2, overlap=True), _attributes(share_of)
    rng = np.random.default_rng(3)
    q = 2.5 * rng.random(len(histogram))
    whole, fraction = np.floor(q), q - np.floor(q)
    drawn = []
    for _ in range(2000):
        copies = histogram.counts * whole + rng.binomial(histogram.counts, fraction)
        drawn.append(measure(histogram, attributes, copies / histogram.counts))
    errors = sampling_error(histogram, attributes, q)
    for name in ("RB", "AB", "skew"):
        column = "share" if name == "RB" else name
        spread = np.std([getattr(found, column) for found in drawn], axis=0)
        assert_allclose(getattr(errors, name), spread, rtol=0.08)


@pytest.mark.parametrize("share_of", ["all", "group"])
@pytest.mark.parametrize("weighted", [False, True])
def test_corpus_errors_are_those_of_resampled_corpora(share_of: str, weighted: bool) -> None:
    histogram, attributes = _histogram(5, overlap=True), _attributes(share_of)
    rng = np.random.default_rng(6)
    q = 2.5 * rng.random(len(histogram)) if weighted else np.ones(len(histogram))
    drawn = []
    for resampled in rng.multinomial(400, histogram.counts / 400, size=2000):
        weights = q * resampled / histogram.counts
        drawn.append(measure(histogram, attributes, weights))
    errors = corpus_error(histogram, attributes, q)
    for name in ("RB", "AB", "skew"):
        column = "share" if name == "RB" else name
        spread = np.std([getattr(found, column) for found in drawn], axis=0)
        assert_allclose(getattr(errors, name), spread, rtol=0.1)


def test_a_share_has_the_binomial_error() -> None:
    flags = np.repeat([[True], [False]], (30, 70), axis=0)
    counted = HistogramAccumulator(("g.0",), ()).add_rows(flags, np.ones(100)).extract()
    errors = corpus_error(counted, _attributes("all", 1), np.ones(2))
    assert errors.RB[0] == pytest.approx(np.sqrt(0.3 * 0.7 / 100))


def test_whole_weights_leave_no_sampling_error() -> None:
    histogram = _histogram(4, overlap=False)
    errors = sampling_error(histogram, _attributes("all"), np.ones(len(histogram)))
    assert not errors.RB.any() and not errors.AB.any() and not errors.skew.any()


def test_without_samples_there_are_no_errors() -> None:
    histogram = HistogramAccumulator(("g.0", "g.1"), ()).extract()
    errors = sampling_error(histogram, _attributes("all"), np.empty(0))
    assert np.isnan(errors.RB).all() and errors.AB.shape == (2, 0)


@pytest.mark.parametrize("labels", [0, 2])
def test_errors_are_read_as_they_are_written(labels: int) -> None:
    pairs = np.array([[0.1, np.nan], [np.nan, 0.2]])[:, :labels]
    errors = PerMeasure(np.array([0.3, np.nan]), pairs, -pairs)
    form = TypeAdapter(PerMeasure)
    back = form.validate_json(json.dumps(form.dump_python(errors), allow_nan=False), strict=True)
    for name in ("RB", "AB", "skew"):
        assert_array_equal(getattr(back, name), getattr(errors, name))


def test_the_worst_value_comes_with_its_own_error() -> None:
    values, errors = np.array([[0.1, np.nan], [-0.5, 0.2]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    assert worst_of(values, errors) == (0.5, 3.0)
    assert np.isnan(worst_of(values[:, :0], errors[:, :0])).all()
