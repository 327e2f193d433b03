"""Conflicts made smaller: to one of which nothing can be spared, by few trials, each proven."""

import pytest

from tests.linear import least_excess
from tests.problems import random_corpus
from transforms.config.sections import Balance
from transforms.feasibility.conflicts import Unmet
from transforms.feasibility.smallest_conflict import (
    conflicting,
    proven_conflict,
    smaller_conflicts,
)
from transforms.feasibility.subproblem import Demand, Subproblem, subproblem_of
from transforms.feasibility.trials import Trials
from transforms.m4.balance import balance
from transforms.m4.constraints import Constraint
from transforms.statistics.row_histograms import RowHistogram

ALL = [Demand(Constraint("representation", f"a.{k}", None, 1), 0.1) for k in range(64)]
NEEDED = [ALL[3], ALL[40], ALL[41]]


@pytest.mark.parametrize("spared", [True, False], ids=["by its proof", "one by one"])
def test_what_is_not_needed_is_left_out(spared: bool) -> None:
    """A proof that names what it needs leaves the rest out at once."""
    trials = 0

    def proof(demands: list[Demand]) -> list[Demand]:
        nonlocal trials
        trials += 1
        if not all(demand in demands for demand in NEEDED):
            return []
        return NEEDED if spared else demands

    *_, last = smaller_conflicts(ALL, proof)
    assert last == NEEDED
    assert trials <= (8 if spared else 32)


def test_each_is_told_as_soon_as_it_is_found() -> None:
    found = smaller_conflicts(ALL, lambda demands: demands if ALL[0] in demands else [])
    sizes = [len(demands) for demands in found]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] == 32 and sizes[-1] == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_named_conflicts_by_a_linear_program(seed: int) -> None:
    samples = random_corpus(seed, 300, 2, 4, tilt=0.9)
    asked = Balance(eta=0.8, max_representation_bias=0.05, max_association_bias=0.02)
    found = balance(samples.histogram, samples.attributes, asked)
    unmet = Unmet.of(samples.histogram, asked, found)
    scene = Subproblem(RowHistogram.of(samples.histogram), samples.attributes, asked)
    first = proven_conflict(unmet.problem, unmet.prices)
    every = proven_conflict(unmet.problem, unmet.prices, 64)
    assert first == every[: len(first)]
    *_, kept = smaller_conflicts(
        every, lambda some: conflicting(scene, some, Trials(lambda: False))
    )
    assert len(kept) < len(every)
    alone = subproblem_of(scene.rows, scene.attributes, asked, kept)
    tried = balance(alone.rows, alone.attributes, alone.asked)
    for problem, demands in ((unmet.problem, first), (unmet.problem, every), (tried.problem, kept)):
        assert least_excess(problem, {demand.constraint.name for demand in demands}) > 1e-6


def test_prices_that_prove_nothing_name_nothing() -> None:
    samples = random_corpus(1, 300, 1, 2)
    asked = Balance(eta=0.5, max_representation_bias=0.05)
    found = balance(samples.histogram, samples.attributes, asked)
    unmet = Unmet.of(samples.histogram, asked, found)
    assert found.attained
    assert proven_conflict(unmet.problem, unmet.prices) == []
