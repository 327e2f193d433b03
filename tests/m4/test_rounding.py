"""What is drawn meets its bounds once a few samples are taken one time more or fewer."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.problems import Corpus, random_corpus
from transforms.calibration.log_odds import CorrectedHistogram, LogOdds
from transforms.config.balance import ShareBound
from transforms.config.sections import Balance
from transforms.m4.balance import Balanced, balance
from transforms.m4.required import Requirement
from transforms.m4.rounding import EXACT, Movable, Rounded, rounded
from transforms.m4.terms import VACUOUS, Tolerances
from transforms.resampling.sampling import systematic_copies
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import excesses_of_shares, measures_of
from transforms.statistics.moments import Moments
from transforms.statistics.patterns import pack_patterns

ENOUGH = 100
"""So many samples of fractional weight for each constraint that binds are enough to meet them."""


@dataclass(frozen=True)
class Drawn:
    """The samples of a corpus, one by one, their weights, and copies by today's draw."""

    histogram: Histogram
    found: Balanced
    pattern: NDArray[np.int64]
    q: NDArray[np.float64]
    copies: NDArray[np.int64]
    written: Moments | None = None
    most: int | None = None

    @property
    def requirement(self) -> Requirement:
        terms = self.found.problem.terms
        return Requirement(terms.tolerances, terms.shares, self.written)

    @property
    def movable(self) -> NDArray[np.int64]:
        fractional = (self.q > np.floor(self.q)) & (self.q < np.ceil(self.q))
        return np.flatnonzero(fractional)[: self.most]

    @property
    def binding(self) -> int:
        return sum(row.price > 0 for row in self.found.solution.constraints)

    def moments(self, mass: NDArray[np.generic]) -> Moments:
        s, y = self.histogram.s[self.pattern], self.histogram.y[self.pattern]
        attributes = self.found.problem.terms.attributes
        return Moments.of(attributes, s, y, mass.astype(np.float64))

    def rounded(self, *more: Requirement) -> tuple[Rounded, NDArray[np.int64]]:
        """What is changed, and the copies then."""
        rows = self.movable
        s, y = self.histogram.s[self.pattern[rows]], self.histogram.y[self.pattern[rows]]
        sign = np.where(self.copies[rows] > self.q[rows], -1, 1).astype(np.int8)
        attributes = self.found.problem.terms.attributes
        found = rounded(
            self.moments(self.copies),
            self.moments(self.q),
            Movable(s, y, sign),
            attributes,
            [self.requirement, *more],
            self.histogram.labels,
        )
        copies = self.copies.copy()
        copies[rows[found.flips]] += sign[found.flips]
        return found, copies

    def excess(self, moments: Moments) -> float:
        """The largest excess, by the measures as they are reported."""
        terms = self.found.problem.terms
        whole = moments if self.written is None else moments.plus(self.written)
        found, asked = measures_of(whole, terms.attributes), terms.tolerances
        pairs = (
            (found.RB, asked.representation),
            (np.abs(found.AB), asked.association),
            (np.abs(found.skew), asked.skew),
        )
        above = excesses_of_shares(found, terms.shares, terms.attributes, self.histogram.labels)
        beyond = [np.where(bound < VACUOUS, value - bound, 0.0) for value, bound in pairs]
        return max(float(np.nan_to_num(one).max(initial=0.0)) for one in (*beyond, above))


def drawn(
    samples: Corpus, asked: Balance, *, seed: int = 0, shards: int = 5, soft: bool = False
) -> Drawn:
    """A corpus balanced and drawn; soft: its attributes are probabilities."""
    histogram = corrected(samples) if soft else samples.histogram
    found = balance(histogram, samples.attributes, asked)
    pattern = np.repeat(np.arange(len(histogram)), histogram.counts)
    pattern = np.random.default_rng(seed).permutation(pattern)
    q, copies = found.solution.q[pattern], np.empty(len(pattern), np.int64)
    flags = np.hstack([samples.histogram.s, histogram.y.toarray() > 0])[pattern]
    packed = pack_patterns(flags, histogram.utility[pattern])
    for number, rows in enumerate(np.array_split(np.arange(len(pattern)), shards)):
        keys = pa.array([f"{row:06d}" for row in rows.tolist()])
        copies[rows] = systematic_copies(q[rows], packed[rows], keys, seed, f"{number:05d}")
    return Drawn(histogram, found, pattern, q, copies)


def corrected(samples: Corpus) -> Histogram:
    """With one in ten found wrongly, a little more with each label."""
    m, c = samples.s.shape[1], samples.y.shape[1]
    effects = np.zeros((m, 2, 1 + m + c))
    effects[:, :, 0] = -2.2, 2.2
    effects[:, :, 1 + m :] = np.linspace(0, 0.5, c)
    return CorrectedHistogram.of(samples.histogram, LogOdds(np.ones(m, np.bool_), effects))


def asked_of(eta: float = 0.5, *shares: ShareBound, **bounds: object) -> Balance:
    return Balance.model_validate({"eta": eta, **bounds}).with_shares(shares)


@given(
    seed=st.integers(0, 2**31),
    share_of=st.sampled_from(["all", "group"]),
    m=st.integers(1, 3),
    c=st.integers(0, 5),
    soft=st.booleans(),
    Q=st.sampled_from([1.0, 2.5]),
    rb=st.sampled_from([0.01, 0.05, None]),
    ab=st.sampled_from([0.01, 0.03, 0.1, None]),
    skew=st.sampled_from([0.1, None, None]),
    share=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_what_the_plan_meets_is_met_by_what_is_drawn(
    seed: int,
    share_of: str,
    m: int,
    c: int,
    soft: bool,
    Q: float,
    rb: float | None,
    ab: float | None,
    skew: float | None,
    share: bool,
) -> None:
    m, target = (m + 1, 1 / (m + 1)) if share_of == "group" else (m, 0.4)
    samples = random_corpus(
        seed, 3000, m, c, share_of=share_of, target=target, noisy_utility=seed % 2 == 0
    )
    shares = (ShareBound(None, "things.0", 1, 0.3),) if share and c else ()
    asked = asked_of(
        0.4,
        *shares,
        Q=Q,
        max_representation_bias=rb,
        max_association_bias=ab,
        max_label_skew=skew,
    )
    case = drawn(samples, asked, seed=seed % 1000, soft=soft)
    found, copies = case.rounded()
    assert np.all((copies == np.floor(case.q)) | (copies == np.ceil(case.q)))
    assert found.moments.vector == pytest.approx(case.moments(copies).vector, abs=1e-6)
    assert found.excess == pytest.approx(case.excess(found.moments), abs=EXACT)
    before = case.excess(case.moments(case.copies))
    assert found.excess <= before + EXACT
    if before <= EXACT:
        assert not found.flips.any()
    if len(case.movable) >= ENOUGH * case.binding:
        assert found.excess_over_plan <= EXACT
        if case.found.attained:
            assert found.excess <= EXACT
        assert abs(copies.sum() - case.q.sum()) <= max(10, 0.01 * case.q.sum())


def test_nothing_is_changed_where_the_bounds_are_met() -> None:
    samples = random_corpus(0, 4000, 2, 6, tilt=0.3)
    case = drawn(samples, asked_of(max_representation_bias=0.2, max_association_bias=0.3))
    found, copies = case.rounded()
    assert not found.flips.any() and found.excess == found.excess_over_plan == 0.0
    assert np.array_equal(copies, case.copies)


def test_few_are_changed_and_all_else_is_as_near_to_the_plan_as_before() -> None:
    samples = random_corpus(0, 4000, 2, 6, tilt=0.3)
    asked = asked_of(max_representation_bias=0.01, max_association_bias=0.02)
    for seed in range(10):
        case = drawn(samples, asked, seed=seed, shards=20)
        assert case.excess(case.moments(case.copies)) > 1e-3
        found, _ = case.rounded()
        assert found.excess <= EXACT
        assert np.count_nonzero(found.flips) < 0.05 * len(case.q)
        wanted = case.moments(case.q).vector
        before, after = (
            np.sum((one.vector - wanted) ** 2 / (1 + wanted))
            for one in (case.moments(case.copies), found.moments)
        )
        assert after < before / 4
        assert abs(found.moments.total - case.q.sum()) < 3


def test_the_same_samples_give_the_same_flips() -> None:
    samples = random_corpus(1, 3000, 2, 6, tilt=0.3)
    case = drawn(samples, asked_of(max_representation_bias=0.01, max_association_bias=0.02))
    first, again = case.rounded()[0], case.rounded()[0]
    assert first.flips.any() and np.array_equal(first.flips, again.flips)


@pytest.mark.parametrize("share_of", ["all", "group"])
def test_hundreds_of_bounds_are_met_at_once(share_of: str) -> None:
    """10 attributes and 40 labels, nearly every pattern a single sample: 800 bounds on AB."""
    samples = random_corpus(
        0,
        10_000,
        10,
        40,
        labels_each=5,
        tilt=0.1,
        target=0.1 if share_of == "group" else 0.5,
        share_of=share_of,
    )
    bounds = {"max_representation_bias": 0.02, "max_association_bias": 0.02}
    case = drawn(samples, asked_of(0.4, **bounds), shards=20)
    assert case.found.attained and case.binding > 50
    assert case.excess(case.moments(case.copies)) > 5e-3
    assert case.rounded()[0].excess <= EXACT


def test_what_is_written_counts_as_a_constant() -> None:
    """The union is held to the bounds, and with a requirement of its own, what is drawn is too."""
    samples = random_corpus(2, 4000, 2, 4, tilt=0.3)
    asked = asked_of(max_representation_bias=0.01, max_association_bias=0.02)
    case = drawn(samples, asked, shards=20)
    leaning = random_corpus(3, 400, 2, 4, tilt=0.3)
    attributes = case.found.problem.terms.attributes
    mass = np.ones(400)
    written = Moments.of(attributes, leaning.s, sp.csr_array(leaning.y, dtype=float), mass)
    union = replace(case, written=written)
    far = union.excess(case.moments(case.q))
    assert far > 1e-3
    alone, both = case.rounded()[0], union.rounded()[0]
    assert union.excess(alone.moments) > 1e-3
    assert both.excess == pytest.approx(union.excess(both.moments), abs=EXACT)
    assert both.excess_over_plan <= EXACT and both.excess <= far + EXACT
    loose = Tolerances(*(1.5 * bound for bound in vars(case.requirement.tolerances).values()))
    held, _ = union.rounded(Requirement(loose, ()))
    own = replace(
        case,
        found=replace(
            case.found,
            problem=case.found.problem.under(replace(case.found.problem.terms, tolerances=loose)),
        ),
    )
    assert own.excess(held.moments) <= EXACT and held.excess_over_plan <= EXACT


def test_too_few_samples_come_as_near_as_any_choice_of_them() -> None:
    """Of the 2^10 choices, hardly one has a smaller largest excess."""
    asked = asked_of(max_representation_bias=0.01, max_association_bias=0.02)
    tried = []
    for seed in range(40):
        samples = random_corpus(seed, 200, 2, 2)
        case = replace(drawn(samples, asked, seed=seed), most=10)
        rows, least = case.movable, np.inf
        found, _ = case.rounded()
        for ups in product((0, 1), repeat=len(rows)):
            copies = case.copies.copy()
            copies[rows] = np.floor(case.q[rows]) + ups
            least = min(least, case.excess(case.moments(copies)))
        before = case.excess(case.moments(case.copies))
        assert least - EXACT <= found.excess <= before + EXACT
        tried.append((before, found.excess, least))
        print(seed, len(rows), before, found.excess, least, found.excess_over_plan)
    before, after, least = np.array(tried).T
    print(
        len(tried), np.mean(after <= least + 1e-9), np.mean(before), np.mean(after), np.mean(least)
    )


def test_shares_of_labels_alone_can_be_bounded() -> None:
    samples = random_corpus(0, 2000, 1, 3)
    first, last = samples.y[:, 1].mean(), samples.y[:, 2].mean()
    bounds = (
        ShareBound(None, "things.1", 1, float(first) - 0.05),
        ShareBound(None, "things.2", -1, float(last) + 0.05),
    )
    nothing = {"max_representation_bias": None, "max_association_bias": None}
    before = []
    for seed in range(5):
        case = drawn(samples, asked_of(0.5, *bounds, **nothing), seed=seed, shards=7)
        before.append(case.excess(case.moments(case.copies)))
        assert case.excess(case.rounded()[0].moments) <= EXACT
    assert max(before) > 1e-4


def test_nothing_to_move_is_no_error() -> None:
    samples = random_corpus(0, 400, 2, 2)
    case = drawn(samples, asked_of(max_association_bias=0.01))
    whole = replace(case, q=case.copies.astype(np.float64))
    found, copies = whole.rounded()
    assert not len(found.flips) and np.array_equal(copies, case.copies)
    assert found.excess == case.excess(case.moments(case.copies)) > 0
