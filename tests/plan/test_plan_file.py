"""plan.json is read in its form, and written as it always was, byte for byte."""

import json
from pathlib import Path
from typing import Any

import pytest

from transforms.base.errors import FairshardError
from transforms.labels.tables import digest_of
from transforms.plan.plan import plan_from
from transforms.plan.plan_file import PlanFile, plan_file_from

WRITTEN = Path(__file__).with_name("plan_of_version_2.json").read_bytes()
IDENTITY = "2e2a2888c9ef60c09dcce24fc0362143"
OPTIONAL = ("largest_rate", "patterns", "sampled", "calibration")


def read(values: dict[str, Any]) -> PlanFile:
    return plan_file_from(json.dumps(values).encode(), "plan.json")


def test_a_plan_written_before_is_the_same_plan() -> None:
    file = plan_file_from(WRITTEN, "plan.json")
    assert file.to_json() == WRITTEN
    assert file.identity == IDENTITY
    assert digest_of(file.to_dict()) == digest_of(json.loads(WRITTEN))


def test_what_a_plan_says_is_what_its_file_says() -> None:
    file = plan_file_from(WRITTEN, "plan.json")
    assert file.conflict is not None and file.conflict.missing is not None
    assert file.conflict.missing.patterns[0].carries == ("people.a1", "things.l0")
    assert file.sampled is not None and len(file.sampled.passes) == 6
    assert file.calibration is not None
    assert file.measures.before.AB.shape == file.calibration.standard_errors.AB.shape == (2, 1)
    assert file.constraints[0].constraint.name == "share of people.a0, from above"
    plan = plan_from(WRITTEN, "plan.json")
    assert plan.terms.tolerances.representation.tolist() == [0.02, 0.02]
    assert plan.duals.representation[1, 0] == file.constraints[2].price > 0


def test_what_older_plans_do_not_say_is_not_said_for_them() -> None:
    values = json.loads(WRITTEN)
    for name in OPTIONAL:
        del values[name]
    assert json.dumps(read(values).to_dict()) == json.dumps(values)


def test_nulls_and_an_open_rate_are_kept() -> None:
    values = json.loads(WRITTEN)
    values["largest_rate"] = {"rate": 0.25, "upper": 0.3}
    values["measures"]["before"]["AB"] = [[None], [-0.125]]
    values["standard_errors"]["predicted"]["RB"] = [None, None]
    assert json.dumps(read(values).to_dict()) == json.dumps(values)


def test_it_is_said_as_json_is_read() -> None:
    values = json.loads(WRITTEN)
    values["certificate"]["gap"] = values["constraints"][0]["slack"] = float("inf")
    assert read(values).to_dict() == values


def test_a_key_that_nobody_knows_is_passed_over() -> None:
    values = json.loads(WRITTEN)
    assert read({"added": 1, **values}).to_json() == WRITTEN


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("measures", {"before": {}, "predicted": {}}),
        ("labels", []),
        ("labels", ["things.l0", "things.l1"]),
        ("mu", "0.5"),
        ("samples", {"labelled": -1}),
        ("constraints", [{"kind": "representation"}]),
        ("standard_errors", None),
    ],
)
def test_a_part_of_another_form_is_refused(part: str, value: Any) -> None:
    with pytest.raises(ValueError):
        read({**json.loads(WRITTEN), part: value})


def test_another_version_is_said_to_be_one() -> None:
    with pytest.raises(FairshardError, match="is of version 1, this fairshard reads version 2"):
        read({**json.loads(WRITTEN), "version": 1})
