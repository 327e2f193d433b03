"""The sampling errors, against draws."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from transforms.bounds import sampling_error
from transforms.histogram import Histogram, HistogramAccumulator
from transforms.measures import measure
from transforms.schema import Attribute


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


def test_whole_weights_leave_no_sampling_error() -> None:
    histogram = _histogram(4, overlap=False)
    errors = sampling_error(histogram, _attributes("all"), np.ones(len(histogram)))
    assert not errors.RB.any() and not errors.AB.any() and not errors.skew.any()


def test_without_samples_there_are_no_errors() -> None:
    histogram = HistogramAccumulator(("g.0", "g.1"), ()).extract()
    errors = sampling_error(histogram, _attributes("all"), np.empty(0))
    assert np.isnan(errors.RB).all() and errors.AB.shape == (2, 0)
