"""What comes first is met first, at the least that the rest can then be: against HiGHS."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.linear import least_excess, least_excesses
from tests.problems import corpus, random_corpus
from transforms.config.sections import Balance
from transforms.m4.balance import balance

ORDERS = (
    ("representation", "association"),
    ("association",),
    ("skew", "representation"),
    ("representation", "skew", "association"),
)


@given(
    seed=st.integers(0, 2**31),
    eta=st.sampled_from([0.5, 0.7, 0.9]),
    bound=st.sampled_from([0.0, 0.01, 0.03]),
    priority=st.sampled_from(ORDERS),
)
@settings(max_examples=20, derandomize=True)
def test_each_rank_has_the_least_excess_that_those_before_leave(
    seed: int, eta: float, bound: float, priority: tuple[str, ...]
) -> None:
    samples = random_corpus(seed, 300, 2, 4, tilt=1.0)
    asked = Balance(
        eta=eta,
        max_representation_bias=bound,
        max_association_bias=bound,
        max_label_skew=0.1 if "skew" in priority else None,
        priority=priority,
    )
    found = balance(samples.histogram, samples.attributes, asked)
    assert found.certified
    for proof, best in zip(
        found.proofs, least_excesses(found.problem, [p.kinds for p in found.proofs]), strict=True
    ):
        slack = 2e-4 * found.solution.excess + 1e-6
        assert proof.least <= best + slack
        assert best - slack <= proof.excess <= best + slack
        assert proof.in_total <= least_excess(found.problem) + 1e-9


def test_what_comes_first_is_missed_least_and_the_rest_pays_for_it() -> None:
    samples = random_corpus(1, 600, 2, 5, tilt=1.0)
    asked = Balance(eta=0.9, max_association_bias=0.01)
    missed = {}
    for priority in ((), ("representation",), ("association",)):
        found = balance(
            samples.histogram, samples.attributes, asked.model_copy(update={"priority": priority})
        )
        missed[priority] = [
            sum(
                max(row.slack, 0.0)
                for row in found.solution.constraints
                if kind in row.constraint.kind
            )
            for kind in ("representation", "association")
        ]
    plain, shares, pairs = missed.values()
    assert shares[0] < 0.9 * plain[0] and shares[1] > plain[1]
    assert pairs[1] < 0.9 * plain[1] and pairs[0] > plain[0]


@pytest.mark.parametrize("priority", ORDERS)
def test_where_all_can_be_met_an_order_changes_nothing(priority: tuple[str, ...]) -> None:
    samples = random_corpus(2, 3000, 2, 4, tilt=0.8)
    asked = Balance(eta=0.4, max_association_bias=0.01)
    plain = balance(samples.histogram, samples.attributes, asked)
    found = balance(
        samples.histogram, samples.attributes, asked.model_copy(update={"priority": priority})
    )
    assert found.attained
    assert np.array_equal(found.solution.q, plain.solution.q)
    assert found.problem.terms.V == plain.problem.terms.V
    assert not found.problem.terms.other_V


def test_a_V_of_one_kind_is_what_its_violations_cost_and_the_others_are_met() -> None:
    samples = random_corpus(2, 3000, 2, 4, tilt=0.8)
    asked = Balance(eta=0.4, max_association_bias=0.01, V={"association": 0.03})
    found = balance(samples.histogram, samples.attributes, asked)
    rows = found.solution.constraints
    assert {row.constraint.kind for row in rows if not row.met} == {"association"}
    assert max(row.price for row in rows if row.constraint.kind == "association") == 0.03
    assert not found.proven


def test_a_V_of_every_kind_is_not_raised() -> None:
    samples = corpus([[1], [0]], [[], []], counts=[30, 70])
    V = {"representation": 1.0, "association": 2.0, "skew": 3.0}
    found = balance(samples.histogram, samples.attributes, Balance(eta=0.8, V=V))
    assert {kind: found.problem.terms.V_of(kind) for kind in V} == V
    assert found.solution.missed
