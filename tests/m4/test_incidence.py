"""Sums over pairs and over patterns, against the same written out densely."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from transforms.m4.incidence import Pairs
from transforms.m4.kernels import BLOCKS


@given(
    seed=st.integers(0, 2**31),
    patterns=st.integers(1, 400),
    groups=st.integers(1, 60),
    labels=st.integers(0, 5),
    ordered=st.booleans(),
)
def test_sums_are_those_of_the_dense_incidence(
    seed: int, patterns: int, groups: int, labels: int, ordered: bool
) -> None:
    random = np.random.default_rng(seed)
    group = random.integers(0, groups, patterns)
    group = np.sort(group) if ordered else group
    y = random.random((patterns, labels)) < 0.4
    pairs = Pairs.of(group, sp.csr_array(y.astype(float)))
    dense = np.column_stack([y, np.ones(patterns, dtype=bool)])[:, pairs.label]
    dense &= group[:, None] == pairs.group
    assert dense.any(axis=0).all()
    assert dense.sum() == y.sum() + patterns
    scores, masses = random.normal(size=len(pairs.group)), random.random(patterns)
    assert pairs.over_patterns(scores) == pytest.approx(dense @ scores)
    assert pairs.over_pairs(masses) == pytest.approx(masses @ dense)


def test_groups_in_no_order_do_not_take_many_times_the_room() -> None:
    random = np.random.default_rng(0)
    group, masses = random.integers(0, 500, 40_000), random.random(40_000)
    y = sp.csr_array((random.random((40_000, 4)) < 0.5).astype(float))
    pairs, in_order = Pairs.of(group, y), Pairs.of(np.sort(group), y)
    assert pairs.room[-1] <= 4 * len(pairs.group)
    assert len(in_order.low) == BLOCKS > len(pairs.low) > 1
    for found in (pairs, in_order):
        by_label = np.bincount(found.label, found.over_pairs(masses))
        assert by_label == pytest.approx(np.append(masses @ y, masses.sum()))


@given(seed=st.integers(0, 2**31), patterns=st.integers(1, 200), labels=st.integers(0, 5))
def test_sums_among_some_patterns_are_those_over_all_with_the_others_empty(
    seed: int, patterns: int, labels: int
) -> None:
    random = np.random.default_rng(seed)
    group = random.integers(0, 9, patterns)
    y = sp.csr_array((random.random((patterns, labels)) < 0.4).astype(float))
    pairs = Pairs.of(group, y)
    chosen = np.flatnonzero(random.random(patterns) < 0.3)
    part = pairs.among(chosen)
    masses = np.zeros(patterns)
    masses[chosen] = random.uniform(1, 2, len(chosen))
    sums = pairs.over_pairs(masses)
    assert part.over_pairs(masses[chosen]) == pytest.approx(sums[sums > 0])
    assert np.array_equal(part.group, pairs.group[sums > 0])
    assert np.array_equal(part.label, pairs.label[sums > 0])
    scores = random.normal(size=len(pairs.group))
    assert part.over_patterns(scores[sums > 0]) == pytest.approx(
        pairs.over_patterns(scores)[chosen]
    )
