"""Bounds on shares in plans: of a sample, of true attributes, and in the file itself."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.outputs import solved
from tests.plan.test_polishing import ALL, BALANCE, MOST, labelled, rows_of
from transforms.config.balance import ShareBound
from transforms.config.sections import Config
from transforms.plan.explanation_file import explanation_of
from transforms.plan.plan import Plan, plan_from
from transforms.storage.files import output_storage

MORE, FEWER = 0.60, 0.15


def bounded(folder: Path, most: int, **balance: Any) -> tuple[Plan, Config, Any]:
    """The plan of a corpus with a label at least, and an attribute without a target at most."""
    config, _ = labelled(folder, most)
    values = config.model_dump()
    values["attributes"]["people"]["names"]["a1"] |= {"target": None, "at_most": FEWER}
    values["labels"]["things"]["names"]["l1"] |= {"at_least": MORE}
    changes = {key: values[key] for key in ("attributes", "labels")}
    config, records = labelled(folder, most, balance={**BALANCE, **balance}, **changes)
    return solved(records, config), config, records


@pytest.mark.parametrize("most", [ALL, MOST])
def test_bounds_on_shares_hold_of_all_rows(tmp_path: Path, most: int) -> None:
    plan, config, records = bounded(tmp_path, most)
    assert bool(plan.file.sampled) == (most == MOST)
    assert plan.file.missed == ()
    flags, utility = rows_of(config, records)
    q = plan.weights(flags, utility)
    shares = (q @ flags) / q.sum()
    before = flags.mean(axis=0)
    assert before[1] > FEWER + 0.02 and before[3] < MORE - 0.02
    assert shares[1] == pytest.approx(FEWER, abs=2e-5)
    assert shares[3] == pytest.approx(MORE, abs=2e-5)
    predicted = plan.file.measures.predicted
    np.testing.assert_allclose(predicted.share, shares[:2], atol=1e-5)
    np.testing.assert_allclose(predicted.label_share, shares[2:], atol=1e-5)


def test_a_sampled_plan_is_polished_with_them(tmp_path: Path) -> None:
    plan, _, _ = bounded(tmp_path, MOST)
    assert plan.file.sampled is not None and plan.file.sampled.polished
    assert plan.file.certificate.gap <= 1e-6


def test_a_plan_reads_as_it_was_written(tmp_path: Path) -> None:
    plan, _, _ = bounded(tmp_path, ALL)
    content = plan.file.to_json()
    rows = [row for row in json.loads(content)["constraints"] if row["kind"] == "share"]
    assert [(row["attribute"], row["label"], row["sign"], row["bound"]) for row in rows] == [
        ("people.a1", None, 1, FEWER),
        (None, "things.l1", -1, MORE),
    ]
    again = plan_from(content, "plan.json")
    assert again.file.to_json() == content
    assert (
        again.terms.shares
        == plan.terms.shares
        == (
            ShareBound("people.a1", None, 1, FEWER),
            ShareBound(None, "things.l1", -1, MORE),
        )
    )
    assert again.duals.share.tolist() == plan.duals.share.tolist()
    assert again.terms.attributes[1].target is None


@pytest.mark.parametrize("change", [{"bound": None}, {"attribute": None}, {"label": "things.l0"}])
def test_a_row_of_no_name_or_bound_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    plan, _, _ = bounded(tmp_path, ALL)
    values = json.loads(plan.file.to_json())
    next(row for row in values["constraints"] if row["kind"] == "share").update(change)
    with pytest.raises(ValueError):
        plan_from(json.dumps(values).encode(), "plan.json")


def test_where_no_share_can_be_met_it_is_proven_and_named(tmp_path: Path) -> None:
    plan, config, _ = bounded(tmp_path, ALL, eta=0.95, max_association_bias=None)
    assert "share of people.a1, at most 0.15" in plan.file.missed
    assert plan.file.certificate.least_excess
    why = explanation_of(plan, output_storage(config.output))
    assert why is not None and why.conflict is not None
    assert any("share of" in name for name in why.conflict.constraints)
