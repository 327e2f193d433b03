"""Other balancers: their rate and bounds on any corpus, their weights on corpora done by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.problems import Corpus, corpus, random_corpus
from transforms.baselines.balancers.label_caps import label_caps
from transforms.baselines.balancers.quality_filter import quality
from transforms.baselines.balancers.raking import raking
from transforms.baselines.balancers.uniform import uniform
from transforms.calibration.log_odds import CorrectedHistogram, LogOdds
from transforms.config.balancers import BALANCERS, in_order
from transforms.config.sections import Balance
from transforms.m4.balance import balance
from transforms.stages.registrations import load_balancers
from transforms.statistics.measures import measure

load_balancers()

ONE_EACH = [[1, 0], [0, 1]]


def asked_of(eta: float, Q: float = 1.0) -> Balance:
    return Balance(eta=eta, Q=Q)


def weights(samples: Corpus, q: NDArray[np.float64]) -> list[float]:
    """The weight of each sample given, from those of the histogram's patterns."""
    histogram = samples.histogram
    known = np.hstack([histogram.s, histogram.y.toarray() > 0, histogram.utility[:, None]])
    given = np.hstack([samples.s, samples.y, samples.utility[:, None]])
    return [float(q[np.abs(known - row).sum(axis=1).argmin()]) for row in given]


def rate(samples: Corpus, q: NDArray[np.float64]) -> float:
    return float(samples.histogram.counts @ q / samples.histogram.samples)


def test_there_are_five_of_them() -> None:
    assert in_order() == (
        "uniform",
        "quality filter",
        "label caps",
        "raking",
        "quadratic calibration",
    )


@pytest.mark.parametrize("name", BALANCERS)
@given(
    seed=st.integers(0, 2**31),
    m=st.integers(1, 3),
    c=st.integers(0, 4),
    share_of=st.sampled_from(["all", "group"]),
    rates=st.sampled_from(
        [(0.05, 1.0), (0.5, 1.0), (0.95, 1.0), (1.0, 1.0), (0.3, 0.5), (1.5, 4.0)]
    ),
    noisy=st.booleans(),
)
@settings(max_examples=25)
def test_the_rate_is_held_and_so_are_the_bounds(
    name: str, seed: int, m: int, c: int, share_of: str, rates: tuple[float, float], noisy: bool
) -> None:
    m, target = (m + 1, 1 / (m + 1)) if share_of == "group" else (m, 0.5)
    samples = random_corpus(seed, 60, m, c, share_of=share_of, target=target, noisy_utility=noisy)
    eta, Q = rates
    q = BALANCERS[name].weights(samples.histogram, samples.attributes, asked_of(eta, Q))
    assert q.shape == (len(samples.histogram),)
    assert q.min() >= 0
    assert q.max() <= Q
    never_repeats = name in ("quality filter", "label caps")
    assert rate(samples, q) == pytest.approx(min(eta, 1.0) if never_repeats else eta, abs=1e-9)


@pytest.mark.parametrize("name", BALANCERS)
@given(seed=st.integers(0, 2**31), times=st.sampled_from([2, 1000]))
@settings(max_examples=10)
def test_a_corpus_a_thousand_times_over_is_weighed_alike(name: str, seed: int, times: int) -> None:
    samples = random_corpus(seed, 40, 2, 3, noisy_utility=True)
    more = corpus(samples.s, samples.y, utility=samples.utility, counts=times)
    first, second = (
        BALANCERS[name].weights(one.histogram, one.attributes, asked_of(0.4))
        for one in (samples, more)
    )
    assert second == pytest.approx(first, abs=1e-7)


@pytest.mark.parametrize("name", BALANCERS)
@given(seed=st.integers(0, 2**31), noisy=st.booleans())
@settings(max_examples=10)
def test_m4_moves_the_corpus_no_more_than_any_that_does_as_much(
    name: str, seed: int, noisy: bool
) -> None:
    """Asked for the representation bias and label skew that another reaches, M4 is the nearest."""
    samples = random_corpus(seed, 300, 2, 3, noisy_utility=noisy)
    histogram, eta = samples.histogram, 0.4
    q = BALANCERS[name].weights(histogram, samples.attributes, asked_of(eta))
    reached = measure(histogram, samples.attributes, q)
    asked = Balance(
        eta=eta,
        max_representation_bias=min(reached.max_RB, 1.0),
        max_association_bias=None,
        max_label_skew=min(reached.max_skew, 1.0),
    )
    found = balance(histogram, samples.attributes, asked)
    assert not found.solution.missed

    def distance(weighed: NDArray[np.float64]) -> float:
        squares = (weighed - eta * histogram.utility) ** 2
        return float(histogram.counts @ squares / histogram.samples)

    assert distance(found.solution.q) <= distance(q) + 1e-5


def test_uniform_keeps_every_sample_at_the_rate() -> None:
    samples = corpus(ONE_EACH, [[1], [0]])
    assert uniform(samples.histogram, samples.attributes, asked_of(0.3)).tolist() == [0.3, 0.3]


def test_the_quality_filter_keeps_the_best_and_thins_the_last() -> None:
    samples = corpus(
        [[1], [1], [0]], [[0]] * 3, utility=np.array([0.5, 1.0, 0.25]), counts=[50, 30, 20]
    )
    q = quality(samples.histogram, samples.attributes, asked_of(0.5))
    assert weights(samples, q) == pytest.approx([0.4, 1.0, 0.0])
    q = quality(samples.histogram, samples.attributes, asked_of(0.3, 0.5))
    assert weights(samples, q) == pytest.approx([0.3, 0.5, 0.0])


def test_equal_utility_is_thinned_evenly_whatever_the_pattern() -> None:
    samples = corpus(ONE_EACH, [[1], [0]], counts=[10, 90])
    q = quality(samples.histogram, samples.attributes, asked_of(0.25))
    assert q == pytest.approx([0.25, 0.25])


def test_label_caps_keep_a_sample_if_any_of_its_labels_does() -> None:
    """80 samples with the first label, 40 with the second, 20 with both; t = 20."""
    samples = corpus([[1], [0], [1]], [[1, 0], [1, 1], [0, 1]], counts=[60, 20, 20])
    q = label_caps(samples.histogram, samples.attributes, asked_of(0.375))
    assert weights(samples, q) == pytest.approx([0.25, 1 - 0.75 * 0.5, 0.5])


def test_samples_without_labels_are_capped_as_one_label() -> None:
    samples = corpus([[1], [1]], [[1], [0]], counts=[50, 100])
    q = label_caps(samples.histogram, samples.attributes, asked_of(1 / 3))
    assert weights(samples, q) == pytest.approx([0.5, 0.25])


def test_a_label_below_its_cap_is_kept_whole() -> None:
    samples = corpus([[1], [1]], [[1, 0], [0, 1]], counts=[10, 90])
    q = label_caps(samples.histogram, samples.attributes, asked_of(0.4))
    assert weights(samples, q) == pytest.approx([1.0, 30 / 90])


def test_raking_evens_out_one_attribute() -> None:
    samples = corpus([[1], [0]], [[1], [1]], counts=[80, 20])
    q = raking(samples.histogram, samples.attributes, asked_of(0.3))
    assert weights(samples, q) == pytest.approx([0.15 / 0.8, 0.15 / 0.2])


def test_raking_is_cut_at_the_largest_weight() -> None:
    samples = corpus([[1], [0]], [[1], [1]], counts=[80, 20])
    q = raking(samples.histogram, samples.attributes, asked_of(0.5))
    assert weights(samples, q) == pytest.approx([0.3 / 0.8, 1.0])
    q = raking(samples.histogram, samples.attributes, asked_of(0.5, Q=2.0))
    assert weights(samples, q) == pytest.approx([0.25 / 0.8, 0.25 / 0.2])


def test_raking_leaves_the_share_of_the_group_as_it_is() -> None:
    """60 with the first, 20 with the second, 20 with neither: the 80 are shared evenly."""
    samples = corpus([[1, 0], [0, 1], [0, 0]], [[0]] * 3, counts=[60, 20, 20], share_of="group")
    q = raking(samples.histogram, samples.attributes, asked_of(0.2))
    assert weights(samples, q) == pytest.approx([0.2 * 40 / 60, 0.2 * 40 / 20, 0.2])


@pytest.mark.parametrize("share_of", ["all", "group"])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("m", [2, 5])
def test_raking_reaches_all_targets_of_attributes_that_overlap(
    share_of: str, seed: int, m: int
) -> None:
    samples = random_corpus(seed, 2_000, m, 2, share_of=share_of, target=1 / m)
    histogram = samples.histogram
    q = raking(histogram, samples.attributes, asked_of(0.01))
    assert measure(histogram, samples.attributes, q).max_RB <= 1e-9


@pytest.mark.parametrize("name", ["raking", "quadratic calibration"])
def test_where_nothing_is_asked_nothing_is_moved(name: str) -> None:
    samples = random_corpus(3, 200, 2, 3)
    nothing = Balance(eta=0.4, max_representation_bias=None, max_association_bias=None)
    q = BALANCERS[name].weights(samples.histogram, samples.attributes, nothing)
    assert q == pytest.approx(np.full(len(q), 0.4), abs=1e-9)


def test_raking_to_targets_that_contradict_each_other_holds_the_rate() -> None:
    """Two attributes that no sample has both of, 0.7 wanted of each."""
    samples = corpus([[1, 0], [0, 1], [0, 0]], [[0]] * 3, counts=[20, 20, 60], target=0.7)
    q = raking(samples.histogram, samples.attributes, asked_of(0.5))
    assert rate(samples, q) == pytest.approx(0.5, abs=1e-9)
    assert weights(samples, q)[:2] == pytest.approx([1.0, 1.0], abs=0.2)


@pytest.mark.parametrize("share_of", ["all", "group"])
def test_attributes_that_are_probabilities_are_balanced_as_well(share_of: str) -> None:
    samples = random_corpus(5, 2_000, 2, 2, share_of=share_of)
    effects = np.zeros((2, 2, 5))
    effects[:, :, 0] = [-2.0, 2.0]
    effects[0, 1, 3] = -1.0
    soft = CorrectedHistogram.of(samples.histogram, LogOdds(np.ones(2, np.bool_), effects))
    for name in ("raking", "quadratic calibration"):
        q = BALANCERS[name].weights(soft, samples.attributes, asked_of(0.1))
        assert rate(samples, q) == pytest.approx(0.1, abs=1e-9)
        assert measure(soft, samples.attributes, q).max_RB <= 1e-5
        assert measure(samples.histogram, samples.attributes, q).max_RB > 1e-3


def test_raking_lets_an_attribute_that_nobody_carries_be() -> None:
    samples = corpus([[1, 0], [0, 0]], [[1], [0]], counts=[70, 30])
    q = raking(samples.histogram, samples.attributes, asked_of(0.2))
    assert weights(samples, q) == pytest.approx([0.1 / 0.7, 0.1 / 0.3])
