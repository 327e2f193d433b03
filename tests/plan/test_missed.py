"""What a plan says of what it misses: that it cannot be met with the proof alone."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import config_of, write_tar
from tests.growing import add_shard
from tests.outputs import finished_output, solved
from tests.plan.test_polishing import ALL, MOST, labelled
from transforms.plan.plan import Plan, read_plan


def plan_of(folder: Path, most: int = ALL, **balance: Any) -> Plan:
    """The plan of a corpus that cannot be balanced at a rate of 0.8, and can at 0.45."""
    config, records = labelled(folder, most, "one", balance=balance)
    return solved(records, config)


def test_where_all_is_met_nothing_is_said(tmp_path: Path) -> None:
    assert plan_of(tmp_path).missed_in_words == ""


@pytest.mark.parametrize("V", ["auto", 100.0])
def test_what_cannot_be_met_is_said_with_how_much_is_missed_at_least(
    tmp_path: Path, V: float | str
) -> None:
    plan = plan_of(tmp_path, eta=0.8, max_association_bias=None, V=V)
    said = re.fullmatch(
        r"(\d+) of 4 constraints are not met: not all can be at eta = 0\.8\. They are missed by "
        r"(0\.\d+) in total, and no weights miss less than (0\.\d+)\.",
        plan.missed_in_words,
    )
    assert said
    assert int(said[1]) == len(plan.file.missed)
    assert 0 < float(said[3]) <= float(said[2]) <= 1.01 * float(said[3])


def test_what_the_rest_costs_is_said_in_order(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, eta=0.8, max_association_bias=0.01, priority=["representation"])
    said = re.fullmatch(
        r"\d+ of \d+ constraints are not met: not all can be at eta = 0\.8\. In order: "
        r"representation is missed by (0\.\d+) in total, and no weights miss less than (0\.\d+); "
        r"association is missed by (0\.\d+) in total, and no weights that miss what comes before "
        r"as little miss less than (0\.\d+)\.",
        plan.missed_in_words,
    )
    assert said, plan.missed_in_words
    for excess, least in ((said[1], said[2]), (said[3], said[4])):
        assert 0 < float(least) <= float(excess) <= 1.01 * float(least)


def test_what_is_not_asked_has_no_rank(tmp_path: Path) -> None:
    bounds = {"max_representation_bias": None, "max_association_bias": 0.001}
    asked = {**bounds, "max_label_skew": 0.01, "priority": ["association"]}
    ranks = plan_of(tmp_path, eta=0.9, **asked).file.certificate.ranks
    assert [rank.kinds for rank in ranks] == [("association",), ("skew",)]


def test_what_comes_first_and_is_met_is_said_to_be(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, V={"association": 0.01})
    assert plan.missed_in_words.endswith(
        "eta = 0.45. In order: representation is met; association is missed by "
        f"{plan.file.certificate.excess:.4g} in total, and that it cannot be met is not proven."
    )


def test_of_a_sample_what_the_rest_costs_is_said_and_nothing_proven(tmp_path: Path) -> None:
    asked = {"eta": 0.8, "max_association_bias": 0.01, "priority": ["representation"]}
    said = plan_of(tmp_path, MOST // 50, **asked).missed_in_words
    assert said.count("that it cannot be met is not proven") == 2
    assert "not all can be" not in said


def test_where_violations_are_cheap_nothing_is_proven(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, V=0.01)
    assert plan.missed_in_words.endswith(
        "constraints are not met at eta = 0.45; that they cannot be is not proven, as violations "
        "cost V = 0.01 only."
    )


def test_of_a_sample_nothing_is_proven(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, MOST // 50, eta=0.8, max_association_bias=None)
    assert plan.file.sampled
    assert plan.missed_in_words.endswith(
        "at eta = 0.8; of a plan made on a sample, that they cannot be is not proven."
    )


@pytest.mark.parametrize("first", [[], ["association"]])
def test_bounds_on_shares_of_nobody_are_said_to_be(tmp_path: Path, first: list[str]) -> None:
    """All of the group are men, of whom half should be women: none of the group is kept."""
    add_shard(tmp_path, "a", women=0.0)
    write_tar(tmp_path / "in" / "b.tar", {f"{n}.txt": b"a tree" for n in range(60)})
    bounds = {"max_representation_bias": 0.01, "max_association_bias": 0.1}
    balance = {"eta": 0.3, **bounds, "priority": first}
    plan = read_plan(finished_output(config_of(tmp_path, labels={}, balance=balance)))
    assert plan.missed_in_words == (
        "4 of 4 constraints are not met at eta = 0.3: the weights leave nobody whose shares "
        "they bound."
    )
