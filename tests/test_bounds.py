"""The bounds that tolerances imply, against what they bound; the sampling errors, against draws."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from transforms.bounds import asked, sampling_error
from transforms.config import Balance
from transforms.histogram import Histogram, HistogramAccumulator
from transforms.measures import measure
from transforms.problem import deviations
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


@given(st.integers(0, 10_000), st.sampled_from(["all", "group"]), st.booleans())
def test_weights_that_meet_the_tolerances_are_within_the_bounds(
    seed: int, share_of: str, overlap: bool
) -> None:
    histogram, attributes = _histogram(seed, overlap), _attributes(share_of)
    q = np.random.default_rng(seed + 1).random(len(histogram))
    mass = histogram.counts * q
    z = deviations(histogram.s, attributes)
    labelled = mass @ histogram.y
    assume(labelled.min() > 0)
    joint = (z * mass[:, None]).T @ histogram.y
    balance = Balance(
        eta=float(mass.sum() / histogram.samples),
        eps_R=float(np.abs(mass @ z).max() / mass.sum()),
        eps_D=float(np.abs(joint).max() / mass.sum()),
        delta=float(np.clip(np.abs(joint / labelled).max(), 1e-6, 0.999)),
    )
    bounds = asked(histogram, attributes, q, balance)
    measures = measure(histogram, attributes, q)
    assert np.all(measures.RB <= bounds.RB + 1e-12)
    assert np.all(np.abs(measures.skew) <= bounds.skew + 1e-12)
    if share_of == "group" and overlap:
        assert np.isnan(bounds.AB).all()
    else:
        assert np.all(np.abs(measures.AB) <= bounds.AB + 1e-12)


def test_bounds_of_shares_of_all_are_the_tolerances_themselves() -> None:
    histogram, attributes = _histogram(1, overlap=True), _attributes("all")
    balance = Balance(eta=0.5, eps_R=0.02, eps_D=0.01, delta=0.05)
    bounds = asked(histogram, attributes, np.full(len(histogram), 0.5), balance)
    assert_allclose(bounds.RB, 0.02)
    assert_allclose(bounds.skew, 0.05)
    assert np.isnan(
        asked(histogram, attributes, np.ones(len(histogram)), Balance(eta=1)).skew
    ).all()


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


def test_without_samples_nothing_is_bounded() -> None:
    histogram = HistogramAccumulator(("g.0", "g.1"), ()).extract()
    bounds = asked(histogram, _attributes("all"), np.empty(0), Balance(eta=1))
    assert np.isnan(bounds.RB).all() and bounds.AB.shape == (2, 0)
