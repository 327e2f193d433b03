"""Why something cannot be met beside what was written before, by hand and on random corpora."""

from typing import Any

import pytest

from tests.m4.test_union import moments
from tests.problems import Corpus, corpus, random_corpus
from transforms.config.balance import GenerationBounds
from transforms.config.sections import Balance, Override
from transforms.feasibility.conflicts import Unmet, explained
from transforms.feasibility.explanation import Explanation
from transforms.feasibility.remedies import Conflict, in_words
from transforms.m4.balance import Balanced, balance

ALONE: dict[str, Any] = {"max_representation_bias": 0.1, "max_association_bias": None}


def solved(samples: Corpus, written: Corpus, asked: Balance) -> Balanced:
    return balance(samples.histogram, samples.attributes, asked, written=moments(written))


def explanation_in(samples: Corpus, written: Corpus, asked: Balance) -> Explanation:
    unmet = Unmet.of(samples.histogram, asked, solved(samples, written, asked))
    *_, last = explained(unmet)
    assert last.complete
    return last


def conflict_in(samples: Corpus, written: Corpus, asked: Balance) -> Conflict:
    found = explanation_in(samples, written, asked).conflict
    assert found is not None
    return found


def test_a_share_that_what_is_new_cannot_mend() -> None:
    """20 of 100 that were written carry it, 40 of 100 that are new; 90 come, so that 60 of 190 do.
    With n more that do, 60 + n >= 0.4 (190 + 0.9 n) needs 25. No rate near 0 would do.
    """
    samples = corpus([[1], [0]], [[], []], counts=[40, 60])
    written = corpus([[1], [0]], [[], []], counts=[20, 80])
    assert in_words(conflict_in(samples, written, Balance(eta=0.9, **ALONE))) == (
        "cannot be met at eta = 0.9: share of people.0, from below",
        "what would do: 25 more samples with exactly people.0 and no other attribute or label",
        "or max_representation_bias >= 0.1843 for people.0",
    )


def test_a_rate_that_spoils_no_more_than_was_written_can_bear() -> None:
    """45 of 100 and 10 of 100: with 37.5 that come, 55 of 137.5 carry it."""
    samples = corpus([[1], [0]], [[], []], counts=[10, 90])
    written = corpus([[1], [0]], [[], []], counts=[45, 55])
    found = conflict_in(samples, written, Balance(eta=0.9, **ALONE))
    assert found.rate == pytest.approx(0.375, abs=1e-3)


def test_a_generation_by_itself() -> None:
    """30 of 100 are too few for 40 % of 90, whatever was written."""
    samples = corpus([[1], [0]], [[], []], counts=[30, 70])
    written = corpus([[1], [0]], [[], []], counts=[5_000, 5_000])
    own = GenerationBounds(max_representation_bias=0.1)
    found = conflict_in(samples, written, Balance(eta=0.9, generation=own, **ALONE))
    lines = in_words(found)
    assert lines[0] == "cannot be met at eta = 0.9: share of people.0 in the generation, from below"
    assert lines[-1] == "or generation.max_representation_bias >= 0.1667 for people.0"
    assert found.rate == pytest.approx(0.75, abs=1e-3)


def test_what_is_asked_of_both_may_conflict() -> None:
    """To mend 20 % of as many, more than 60 % would have to carry it."""
    samples = corpus([[1], [0]], [[], []], counts=[500, 500])
    written = corpus([[1], [0]], [[], []], counts=[20, 80])
    asked = Balance(
        eta=0.1,
        max_representation_bias=0.02,
        max_association_bias=None,
        generation=GenerationBounds(max_representation_bias=0.1),
    )
    found = conflict_in(samples, written, asked)
    assert set(found.constraints) == {
        "share of people.0, from below",
        "share of people.0 in the generation, from above",
    }
    by_key = {looser.bound: looser.value for looser in found.looser}
    assert by_key["max_representation_bias"] == pytest.approx(0.1, abs=2e-4)
    assert by_key["generation.max_representation_bias"] == pytest.approx(0.26, abs=2e-4)


@pytest.mark.parametrize(("seed", "size"), [(1, 1), (2, 1), (3, 20)])
def test_what_it_says_is_true(seed: int, size: int) -> None:
    samples = random_corpus(seed, 2_000, 2, 3, tilt=0.5)
    written = random_corpus(seed + 10, 2_000 // size, 2, 3, tilt=0.9)
    asked = Balance(eta=0.9, max_association_bias=0.03)
    found = conflict_in(samples, written, asked)
    assert found.constraints
    if found.rate is not None:
        assert solved(samples, written, asked.at(found.rate)).attained
        assert solved(samples, written, asked.at(found.rate / 10)).attained
    for looser in found.looser:
        for value, enough in ((looser.value, True), (0.97 * looser.value, False)):
            overrides = tuple(
                Override(attributes=pair[:1], labels=pair[1:], **{looser.bound: value})
                for pair in (subject.split(" with ") for subject in looser.subjects)
            )
            eased = asked.model_copy(update={"overrides": overrides})
            assert solved(samples, written, eased).attained == enough
