"""A plan's weights on another corpus: by hand, row by row; and what must be the same."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.label_tables import read_records
from tests.noisy import noisy_corpus
from tests.outputs import solved
from tests.plan.test_polishing import ALL, labelled
from tests.problems import Corpus, random_corpus
from transforms.base.errors import FairshardError, StaleError
from transforms.plan.plan import Plan, read_histogram
from transforms.plan.transfer import check_same_names, transferred, weights_under
from transforms.statistics.histogram import Histogram, HistogramAccumulator
from transforms.storage.files import output_storage


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Histogram]:
    """A plan of two attributes and six labels, and the patterns that it was solved on."""
    config, _ = labelled(tmp_path_factory.mktemp("planned"), ALL)
    storage = output_storage(config.output)
    plan = solved(read_records(storage), config)
    return plan, read_histogram(storage, plan)[0]


def other_corpus(plan: Plan, rows: int = 3_000) -> Corpus:
    """Another corpus, of the attributes and labels of `plan`, with targets of its own."""
    drawn = random_corpus(5, rows, 2, 6, noisy_utility=True)
    return replace(
        drawn, attributes=tuple(replace(one, target=0.4) for one in plan.terms.attributes)
    )


def counted(plan: Plan, corpus: Corpus) -> Histogram:
    names = tuple(attribute.name for attribute in plan.terms.attributes)
    found = HistogramAccumulator(names, plan.terms.labels)
    return found.add_rows(np.hstack([corpus.s, corpus.y]), corpus.utility).extract()


def test_the_bias_is_that_of_the_plan_s_weights_on_that_corpus(
    planned: tuple[Plan, Histogram],
) -> None:
    plan, known = planned
    corpus = other_corpus(plan)
    histogram = counted(plan, corpus)
    found = transferred(plan, known, histogram, corpus.attributes)
    flags = np.hstack([corpus.s, corpus.y])
    rounded = np.repeat(histogram.utility, histogram.counts)
    q = plan.weights(
        np.repeat(np.hstack([histogram.s, histogram.y.toarray() > 0]), histogram.counts, axis=0),
        rounded,
    )
    rows = np.repeat(histogram.s, histogram.counts, axis=0).astype(float)
    assert found.samples == len(corpus.s)
    assert found.rate == pytest.approx(q.mean(), abs=1e-12)
    share = (q @ rows) / q.sum()
    np.testing.assert_allclose(found.measures.predicted.share, share)
    np.testing.assert_allclose(found.measures.predicted.RB, np.abs(share - 0.4))
    np.testing.assert_allclose(found.measures.before.share, flags[:, :2].mean(axis=0))
    error = np.sqrt((q[:, None] ** 2 * (rows - share) ** 2).sum(axis=0)) / q.sum()
    np.testing.assert_allclose(found.errors.predicted.RB, error)


def test_new_patterns_are_counted_by_their_samples(planned: tuple[Plan, Histogram]) -> None:
    plan, known = planned
    assert transferred(plan, known, known, plan.terms.attributes).new == 0
    corpus = other_corpus(plan)
    histogram = counted(plan, corpus)
    old = {row.tobytes() for row in known.patterns}
    by_hand = sum(
        count
        for row, count in zip(histogram.patterns, histogram.counts.tolist(), strict=True)
        if row.tobytes() not in old
    )
    found = transferred(plan, known, histogram, corpus.attributes)
    assert 0 < by_hand < histogram.samples
    assert found.new == by_hand / histogram.samples


def test_on_its_own_corpus_a_plan_gives_what_it_predicts(planned: tuple[Plan, Histogram]) -> None:
    plan, known = planned
    found = transferred(plan, known, known, plan.terms.attributes)
    np.testing.assert_allclose(found.measures.predicted.AB, plan.file.measures.predicted.AB)
    np.testing.assert_allclose(found.errors.predicted.AB, plan.file.standard_errors.predicted.AB)
    assert found.rate == pytest.approx(plan.terms.eta)


def test_a_calibrated_plan_weighs_and_measures_by_true_attributes(
    planned: tuple[Plan, Histogram],
) -> None:
    noisy = noisy_corpus(1, n=4_000, c=6)
    calibration = noisy.calibration(2_000, 1)
    plan, known = planned
    plan = replace(plan, odds=calibration.odds)
    found = transferred(plan, known, known, plan.terms.attributes)
    weights = known.counts * weights_under(plan, known)
    share = weights @ plan.corrected(known).s / weights.sum()
    np.testing.assert_allclose(found.measures.predicted.share, share)
    assert np.abs(share - weights @ known.s / weights.sum()).max() > 0.01


@pytest.mark.parametrize(
    ("attributes", "labels", "says"),
    [
        (("people.a1", "people.a0"), None, "its attributes are in another order"),
        (("people.a0", "people.b1"), None, "it has no attribute 'people.a1'"),
        (("people.a0",), None, "it has no attribute 'people.a1'"),
        (("people.a0", "people.a1", "x.y"), None, "the plan has no attribute 'x.y'"),
        (None, ("things.l0", "things.l9"), "it has no label 'things.l1'"),
    ],
)
def test_other_names_are_refused(
    planned: tuple[Plan, Histogram],
    attributes: tuple[str, ...] | None,
    labels: tuple[str, ...] | None,
    says: str,
) -> None:
    plan, _ = planned
    names = attributes or tuple(one.name for one in plan.terms.attributes)
    nobody = HistogramAccumulator(names, labels or plan.terms.labels).extract()
    with pytest.raises(StaleError, match=says):
        check_same_names(plan, nobody)


def test_of_no_sample_nothing_is_measured(planned: tuple[Plan, Histogram]) -> None:
    plan, known = planned
    nobody = HistogramAccumulator(known.attributes, known.labels).extract()
    with pytest.raises(FairshardError, match="no sample"):
        transferred(plan, known, nobody, plan.terms.attributes)
