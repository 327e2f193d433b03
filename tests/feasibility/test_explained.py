"""Explaining by steps: what is known whenever it is stopped is true, and is gone on from."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.linear import least_excess
from tests.problems import Corpus, corpus, random_corpus
from transforms.config.sections import Balance
from transforms.feasibility.conflicts import Unmet, explained
from transforms.feasibility.explanation import NOTHING_KNOWN, REMEDIES, Explanation
from transforms.m4.balance import balance

ASKED = Balance(eta=0.95, max_representation_bias=None, max_association_bias=0.02)
MOST_SOLVES = 45


def unmet_in(samples: Corpus, asked: Balance = ASKED) -> Unmet:
    found = balance(samples.histogram, samples.attributes, asked)
    return Unmet.of(samples.histogram, asked, found)


def after(solves: int) -> Callable[[], bool]:
    """What says that it is enough after so many problems; `asked` counts them."""
    left = iter(range(solves))
    return lambda: next(left, None) is None


def last_of(
    unmet: Unmet, known: Explanation = NOTHING_KNOWN, solves: int = 1000
) -> tuple[Explanation, int]:
    """What is known in the end, and how many problems were asked about for it."""
    asked = 0

    def enough() -> bool:
        nonlocal asked
        asked += 1
        return asked > solves

    for more in explained(unmet, known, enough):
        known = more
    return known, asked


def test_wherever_it_stops_the_conflict_is_proven_and_going_on_ends_alike() -> None:
    unmet = unmet_in(random_corpus(2, 4000, 2, 6, tilt=0.8))
    whole, solves = last_of(unmet)
    assert whole.complete and whole.sought == REMEDIES and solves <= MOST_SOLVES
    assert whole.conflict is not None and whole.conflict.missing is not None
    for stopped in range(0, solves, 5):
        known, _ = last_of(unmet, solves=stopped)
        assert known.conflict is not None
        assert least_excess(unmet.problem, known.conflict.constraints) > 1e-6
        assert known.complete is False
        assert any("still to be found" in line for line in known.lines())
        assert last_of(unmet, known)[0] == whole


def test_nothing_more_is_solved_of_what_is_known() -> None:
    unmet = unmet_in(random_corpus(2, 4000, 2, 6, tilt=0.8))
    whole, _ = last_of(unmet)
    assert last_of(unmet, whole) == (whole, 0)
    known = replace(whole, sought=tuple(remedy for remedy in REMEDIES if remedy != "rate"))
    assert last_of(unmet, known)[1] < 12


def test_many_patterns_take_few_solves() -> None:
    unmet = unmet_in(random_corpus(1, 6000, 2, 20, labels_each=8.0, tilt=0.7))
    assert len(unmet.histogram) > 5000
    found, solves = last_of(unmet)
    assert found.complete and solves <= MOST_SOLVES
    conflict = found.conflict
    assert conflict is not None and conflict.missing is not None
    assert conflict.missing.samples <= 1.05 * conflict.missing.least


def test_a_price_that_reaches_V_is_no_proof() -> None:
    """With V = 0.01 a bound is missed that can be met; that it can is found out, and said."""
    samples = corpus([[1], [0]], [[], []], counts=[300, 700])
    asked = Balance(eta=0.5, V=0.01, max_representation_bias=0.1)
    unmet = unmet_in(samples, asked)
    known, solves = last_of(unmet)
    assert known.finding == "attainable" and known.conflict is None and solves == 1
    assert list(known.lines()) == [
        "everything can be met at this rate with a higher V (auto finds one)"
    ]


@pytest.mark.parametrize("finding", ["open", "unproven"])
def test_what_is_not_known_is_not_said(finding: str) -> None:
    known = Explanation(finding)  # type: ignore[arg-type]
    (line,) = known.lines()
    assert "cannot be met" not in line
    assert ("`fairshard why OUTPUT` goes on" in line) == (finding == "open")
