"""Bias measures against a sample by sample count."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.problems import Corpus, corpus, random_corpus
from transforms.statistics.measures import Measures, effective_samples, measure


def naive(samples: Corpus, weights: np.ndarray) -> dict[str, np.ndarray]:
    """share, AB and skew from lists of samples."""
    m, c = samples.s.shape[1], samples.y.shape[1]
    share, AB, skew = np.full(m, np.nan), np.full((m, c), np.nan), np.full((m, c), np.nan)
    rows = list(zip(samples.s.astype(int), samples.y.astype(int), weights, strict=True))
    for k in range(m):
        grouped = samples.attributes[k].share_of == "group"
        part = [(s[k], s.sum() if grouped else 1, y, w) for s, y, w in rows]
        total = sum(base * w for _, base, _, w in part)
        share[k] = sum(s * w for s, _, _, w in part) / total if total else np.nan
        for r in range(c):
            having = [(y[r], w) for s, _, y, w in part if s]
            lacking = [(y[r], w) for s, base, y, w in part if not s and base > 0]
            masses = [sum(w for _, w in side) for side in (having, lacking)]
            if all(masses):
                rates = [
                    sum(y * w for y, w in side) / mass
                    for side, mass in zip((having, lacking), masses, strict=True)
                ]
                AB[k, r] = rates[0] - rates[1]
            within = sum(base * y[r] * w for _, base, y, w in part)
            if within:
                carried = sum(s * y[r] * w for s, _, y, w in part)
                skew[k, r] = carried / within - samples.attributes[k].target
    return {"share": share, "AB": AB, "skew": skew}


@given(
    seed=st.integers(0, 2**31),
    n=st.integers(1, 40),
    m=st.integers(1, 3),
    c=st.integers(0, 4),
    share_of=st.sampled_from(["all", "group"]),
    weighted=st.booleans(),
)
def test_measures_are_the_samples_own(
    seed: int, n: int, m: int, c: int, share_of: str, weighted: bool
) -> None:
    samples = random_corpus(seed, n, m, c, share_of=share_of, target=0.3)
    histogram = samples.histogram
    q = np.random.default_rng(seed).uniform(0, 2, len(histogram)) if weighted else None
    weights = np.ones(n)
    if q is not None:
        flags = np.hstack([samples.s, samples.y])
        known = np.hstack([histogram.s, histogram.y.toarray().astype(np.bool_)])
        weights = np.array([q[np.flatnonzero((known == row).all(axis=1))[0]] for row in flags])
    measured = measure(histogram, samples.attributes, q)
    expected = naive(samples, weights)
    assert measured.samples == pytest.approx(weights.sum())
    assert measured.share == pytest.approx(expected["share"], nan_ok=True)
    expected["RB"] = abs(expected["share"] - 0.3)
    for name in ("RB", "AB", "skew"):
        assert getattr(measured, name) == pytest.approx(expected[name], nan_ok=True)
    assert measured.label_share == pytest.approx(weights @ samples.y / weights.sum())


def test_a_planted_bias_is_found() -> None:
    s, y = [[1], [1], [0], [0]], [[1], [0], [1], [0]]
    samples = corpus(s, y, counts=[60, 20, 5, 15])
    measured = measure(samples.histogram, samples.attributes)
    assert measured.max_RB == pytest.approx(0.3)
    assert measured.AB.tolist() == [[pytest.approx(0.75 - 0.25)]]
    assert measured.max_AB == pytest.approx(0.5)
    assert measured.max_skew == pytest.approx(60 / 65 - 0.5)


def test_what_is_undefined_is_nan_and_does_not_count() -> None:
    samples = corpus([[1, 0], [1, 0]], [[0, 1], [0, 1]], counts=[3, 4])
    measured = measure(samples.histogram, samples.attributes)
    assert np.isnan(measured.AB).all()
    assert measured.max_AB == 0
    assert np.isnan(measured.skew[:, 0]).all()
    assert measured.max_skew == pytest.approx(0.5)
    dropped = measure(samples.histogram, samples.attributes, np.zeros(1))
    assert dropped.samples == 0
    assert math.isnan(dropped.share[0])


@pytest.mark.parametrize("c", [0, 3])
def test_measures_pass_through_json(c: int) -> None:
    samples = random_corpus(0, 5, 2, c)
    measured = measure(samples.histogram, samples.attributes)
    form = TypeAdapter(Measures)
    content = json.dumps(form.dump_python(measured), allow_nan=False)
    again = form.validate_json(content, strict=True)
    for name in ("share", "RB", "AB", "skew", "label_share"):
        assert np.array_equal(getattr(again, name), getattr(measured, name), equal_nan=True)
    assert again.samples == measured.samples


def test_effective_samples_are_all_where_weights_are_even_and_fewer_where_not() -> None:
    samples = corpus([[1], [0]], [[1], [0]], counts=[40, 10])
    assert effective_samples(samples.histogram, np.full(2, 0.3)) == pytest.approx(50)
    uneven = np.where(samples.histogram.s[:, 0], 0.5, 2.0)
    assert effective_samples(samples.histogram, uneven) == pytest.approx(40**2 / 50)
    assert effective_samples(samples.histogram, np.zeros(2)) == 0
