"""Conflicts: known ones by hand, and on random corpora what they say is true."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fixtures import config_of, write_corpus
from tests.outputs import finished_output
from tests.problems import Corpus, corpus, random_corpus
from transforms.config.schema import Attribute
from transforms.config.sections import Balance, Override
from transforms.feasibility.conflicts import Unmet, explained
from transforms.feasibility.explanation import Explanation
from transforms.feasibility.remedies import Conflict, MissingPattern, MissingSamples, in_words
from transforms.m4.balance import balance
from transforms.plan.explanation_file import explanation_of
from transforms.plan.plan import read_plan
from transforms.statistics.row_histograms import RowHistogram

NOTHING: dict[str, Any] = {"max_representation_bias": None, "max_association_bias": None}


def unmet_in(samples: Corpus, asked: Balance) -> Unmet:
    found = balance(samples.histogram, samples.attributes, asked)
    return Unmet.of(samples.histogram, asked, found)


def explanation_in(samples: Corpus, asked: Balance) -> Explanation:
    *_, last = explained(unmet_in(samples, asked))
    assert last.complete
    return last


def conflict_in(samples: Corpus, asked: Balance) -> Conflict | None:
    return explanation_in(samples, asked).conflict


def lines_of(samples: Corpus, asked: Balance) -> tuple[str, ...]:
    found = conflict_in(samples, asked)
    assert found is not None and found.tested
    return in_words(found)


def test_a_share_that_is_too_small_for_the_rate() -> None:
    """Of 1,000, 300 carry it; at eta = 0.9, 40 % of 900 are asked. With n more carriers,
    300 + n >= 0.36 (1,000 + n) needs 94.
    """
    samples = corpus([[1], [0]], [[], []], counts=[300, 700])
    assert lines_of(samples, Balance(eta=0.9, max_representation_bias=0.1)) == (
        "cannot be met at eta = 0.9: share of people.0, from below",
        "what would do: 94 more samples with exactly people.0 and no other attribute or label",
        "or eta <= 0.75",
        "or max_representation_bias >= 0.1667 for people.0",
    )


def test_a_share_within_a_label_that_cannot_be_dropped() -> None:
    """500 of 1,000 carry the label, 50 of them the attribute; at eta = 0.9 at least 400 are kept,
    and 40 % are asked. With n more with both, 50 + n >= 0.4 (400 + 0.9 n) needs 172; by itself
    125 with the label can stay (eta = 0.625), or 50 of 400 do (0.5 - 0.125).
    """
    samples = corpus([[1], [0], [1], [0]], [[1], [1], [0], [0]], counts=[50, 450, 250, 250])
    found = conflict_in(samples, Balance(eta=0.9, max_label_skew=0.1, **NOTHING))
    assert found is not None
    assert found.rate == pytest.approx(0.625, abs=1e-3)
    assert in_words(replace(found, rate=None)) == (
        "cannot be met at eta = 0.9: share of people.0 within things.0, from below",
        "what would do: 172 more samples with exactly people.0 and things.0 and no other attribute "
        "or label",
        "or max_label_skew >= 0.375 for people.0 with things.0",
    )


def test_targets_that_contradict_each_other_at_any_rate() -> None:
    """The same samples carry both attributes, 30 and 60 % of which are asked to within 1 %; halfway
    is 15 % from each. Samples with the second alone: n >= 0.28 of the 0.3 (1,000 + n) kept.
    """
    samples = random_corpus(3, 1000, 3, 3, tilt=0.0, target=0.5)
    samples.s[:, 1] = samples.s[:, 0]
    attributes = (
        Attribute("a.x", "a", 0.3, "all"),
        Attribute("b.x", "b", 0.6, "all"),
        Attribute("c.x", "c", 0.5, "all"),
    )
    loose = Override(attributes=("c",), max_representation_bias=0.4)
    asked = Balance(eta=0.3, max_association_bias=0.3, overrides=(loose,))
    found = conflict_in(replace(samples, attributes=attributes), asked)
    assert found is not None
    assert set(found.constraints) == {"share of a.x, from above", "share of b.x, from below"}
    assert found.rate is None
    (looser,) = found.looser
    assert looser.value == pytest.approx(0.15, abs=2e-4)
    assert set(looser.subjects) == {"a.x", "b.x"}
    assert found.missing is not None
    assert found.missing.samples == pytest.approx(92, abs=1)
    assert {pattern.carries[0] for pattern in found.missing.patterns} <= {"b.x", "c.x"}


@pytest.mark.parametrize(("seed", "eta", "share_of"), [(1, 0.9, "all"), (2, 0.9, "group")])
def test_what_it_says_is_true(seed: int, eta: float, share_of: str) -> None:
    samples = random_corpus(seed, 4000, 2, 4, tilt=0.7, share_of=share_of)
    histogram, attributes = samples.histogram, samples.attributes
    asked = Balance(eta=eta, max_association_bias=0.03)
    found = conflict_in(samples, asked)
    assert found is not None and found.constraints
    assert found.rate is not None and 0 < found.rate < eta
    assert balance(histogram, attributes, asked.at(found.rate)).attained
    assert not balance(histogram, attributes, asked.at(found.rate + 2e-3)).attained
    for looser in found.looser:
        for value, enough in ((looser.value, True), (0.98 * looser.value, False)):
            pairs = [subject.split(" with ") for subject in looser.subjects]
            overrides = tuple(
                Override(attributes=pair[:1], labels=pair[1:], **{looser.bound: value})
                for pair in pairs
            )
            eased = asked.model_copy(update={"overrides": overrides})
            assert balance(histogram, attributes, eased).attained == enough
    assert found.missing is not None
    assert 0 < found.missing.least <= found.missing.samples
    for share, enough in ((1.0, True), (0.97, False)):
        more = _with_samples(samples, found, share)
        assert balance(more, attributes, asked).attained == enough


def _with_samples(samples: Corpus, found: Conflict, share: float) -> RowHistogram:
    assert found.missing is not None
    rows = RowHistogram.of(samples.histogram)
    names = (rows.attributes, rows.labels)
    s, y = (
        np.array([[name in row.carries for name in part] for row in found.missing.patterns])
        for part in names
    )
    counts = np.array([round(share * row.samples) for row in found.missing.patterns])
    return rows.with_samples(s, y, counts)


def test_the_constraints_conflict_and_none_of_them_can_be_spared() -> None:
    """Either bound can be met by itself at this rate, but not both: the samples with attribute and
    label, of which the one needs more, are those of which the other needs fewer.
    """
    samples = corpus([[1], [1], [0], [0]], [[1], [0], [1], [0]], counts=[350, 50, 50, 550])
    both = Balance(eta=0.85, max_representation_bias=0.04, max_association_bias=0.75)
    found = conflict_in(samples, both)
    assert found is not None
    assert set(found.constraints) == {
        "share of people.0, from below",
        "association of people.0 with things.0, from above",
    }
    for spared in ("max_representation_bias", "max_association_bias"):
        alone = both.model_copy(update={spared: None})
        assert balance(samples.histogram, samples.attributes, alone).attained


def test_where_everything_is_met_there_is_no_conflict() -> None:
    assert conflict_in(corpus([[1], [0]], [[], []], counts=[4, 6]), Balance(eta=0.5)) is None


def test_long_answers_are_cut() -> None:
    pattern = {"carries": ["a"], "samples": 1000}
    conflict = {
        "eta": 0.9,
        "constraints": ["x", "y"],
        "missing": {"samples": 5000, "least": 1, "patterns": [pattern] * 5},
        "rate": None,
        "looser": [{"bound": "max_label_skew", "value": 0.2, "subjects": ["a", "b", "c", "d"]}],
        "tested": False,
    }
    assert in_words(Conflict.from_dict(conflict)) == (
        "cannot be met together at eta = 0.9: x; y",
        "what would do for these by themselves: 5,000 more samples, each with exactly these "
        "attributes and labels and no other: 1,000 with a, 1,000 with a, 1,000 with a, "
        "2,000 others",
        "or max_label_skew >= 0.2 for a, b, c and 1 more",
    )


@pytest.mark.parametrize(
    ("carried", "said"),
    [
        ([()], "3 more samples with no attribute or label"),
        ([("a",)], "3 more samples with exactly a and no other attribute or label"),
        (
            [("a", "b"), ()],
            "6 more samples, each with exactly these attributes and labels and no other: "
            "3 with a and b, 3 with none",
        ),
    ],
)
def test_what_is_missing_is_samples_that_carry_nothing_else(
    carried: list[tuple[str, ...]], said: str
) -> None:
    patterns = tuple(MissingPattern(names, 3) for names in carried)
    missing = MissingSamples(3 * len(patterns), 1, patterns)
    assert in_words(Conflict(0.9, ("x",), missing, None, (), True))[1] == f"what would do: {said}"


def test_where_no_price_is_left_to_choose_there_is_a_plan_still(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=20, shards=2)
    storage = finished_output(config_of(tmp_path))
    known = explanation_of(read_plan(storage), storage)
    assert known is not None and known.conflict is not None
