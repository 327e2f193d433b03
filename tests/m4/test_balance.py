"""The corpus under a plan has the bias that was asked for, in the paper's measures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.problems import corpus, random_corpus
from transforms.config.sections import Balance, Override
from transforms.m4.balance import balance
from transforms.m4.targets import targets_of
from transforms.statistics.measures import measure


def asked_of(eta: float, **bounds: float | None) -> Balance:
    return Balance(eta=eta, **bounds)


@given(
    seed=st.integers(0, 2**31),
    share_of=st.sampled_from(["all", "group"]),
    m=st.integers(1, 3),
    target=st.sampled_from([0.2, 0.33, 0.5]),
    rb=st.sampled_from([0.0, 0.02, 0.3, None]),
    ab=st.sampled_from([0.0, 0.03, 0.2, None]),
    skew=st.sampled_from([0.1, None]),
)
@settings(max_examples=60)
def test_what_is_asked_is_met_wherever_it_is_attainable(
    seed: int,
    share_of: str,
    m: int,
    target: float,
    rb: float | None,
    ab: float | None,
    skew: float | None,
) -> None:
    m, target = (m + 1, 1 / (m + 1)) if share_of == "group" else (m, target)
    samples = random_corpus(seed, 800, m, 4, share_of=share_of, target=target)
    asked = asked_of(0.3, max_representation_bias=rb, max_association_bias=ab, max_label_skew=skew)
    found = balance(samples.histogram, samples.attributes, asked)
    measures = measure(samples.histogram, samples.attributes, found.solution.q)
    targets = targets_of(samples.attributes, samples.histogram.labels, asked)
    assert found.solution.rate == pytest.approx(0.3, abs=1e-12)
    assert found.solution.gap <= 1e-6
    if not found.solution.missed:
        assert np.all(measures.RB <= targets.RB + 1e-5)
        assert np.all(np.abs(measures.AB) <= targets.AB + 1e-5)
        assert np.all(np.abs(measures.skew) <= targets.skew + 1e-5)


def test_a_binding_bound_is_used_up() -> None:
    """One attribute of a share of 0.3, one label: AB ends at its bound, not below it."""
    samples = corpus([[1], [1], [0], [0]], [[1], [0], [1], [0]], counts=[240, 60, 140, 560])
    asked = asked_of(0.5, max_representation_bias=None, max_association_bias=0.1)
    found = balance(samples.histogram, samples.attributes, asked)
    assert found.measures.AB[0, 0] == pytest.approx(0.1, abs=2e-6)
    assert found.measures.RB[0] > 0.1


def test_one_attribute_and_no_label_have_a_closed_form() -> None:
    """With 30 % of 1,000 carrying it and eta = 0.5, RB = 0.1 needs a share of 0.4: q = 2/3, 3/7."""
    samples = corpus([[1], [0]], [[], []], counts=[300, 700])
    found = balance(
        samples.histogram, samples.attributes, asked_of(0.5, max_representation_bias=0.1)
    )
    by_attribute = dict(zip(samples.histogram.s[:, 0].tolist(), found.solution.q, strict=True))
    assert by_attribute[True] == pytest.approx(2 / 3)
    assert by_attribute[False] == pytest.approx(3 / 7)


def test_an_override_frees_its_pair_alone() -> None:
    samples = random_corpus(3, 4000, 2, 3, tilt=0.6)
    free = Override(attributes=("people.0",), labels=("things.1",), max_association_bias=1)
    strict = Balance(eta=0.3, max_association_bias=0.01)
    eased = Balance(eta=0.3, max_association_bias=0.01, overrides=(free,))
    tight = balance(samples.histogram, samples.attributes, strict).measures.AB
    loose = balance(samples.histogram, samples.attributes, eased).measures.AB
    assert np.all(np.abs(tight) <= 0.01 + 1e-6)
    others = np.ones_like(loose, dtype=bool)
    others[0, 1] = False
    assert np.all(np.abs(loose[others]) <= 0.01 + 1e-6)
    assert abs(loose[0, 1]) > 0.02


def test_a_bound_is_not_met_by_dropping_everybody() -> None:
    """Every woman has the label and no man has: no weights but 0 bring AB below 1."""
    samples = corpus(
        [[1, 0], [0, 1], [0, 0]], [[1], [0], [0]], counts=[30, 30, 100], share_of="group"
    )
    found = balance(samples.histogram, samples.attributes, asked_of(0.5, max_association_bias=0.1))
    assert not found.attained
    assert "share of people.0, from below" in found.solution.missed
