"""The alerts: on metrics that there are, each with a test for promtool and a runbook entry."""

import re
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from tests.fixtures import config_of, write_corpus
from tests.loading import ROOT
from tests.outputs import finished_output
from transforms.outcome.run_metrics import run_metrics

ALERTS = ROOT / "infra/prometheus/alerts.yaml"
TESTS = ROOT / "infra/prometheus/alerts_test.yaml"
OF_A_RUN = {"info", "active", "failed", "start_timestamp_seconds", "end_timestamp_seconds"}
NOT_HERE = {"fairshard_gpu_busy_ratio", "fairshard_model_batch_size"}
NOT_HERE |= {f"fairshard_run_{name}" for name in OF_A_RUN} | {"fairshard_stage_duration_seconds"}


class Rule(BaseModel):
    """An alerting rule with the keys that Prometheus knows; it refuses others."""

    model_config = ConfigDict(extra="forbid", strict=True)

    alert: str
    expr: str
    wait: str = Field("1m", alias="for", pattern=r"^\d+[mhd]$")
    labels: dict[str, str]
    annotations: dict[str, str]


def rules() -> list[Rule]:
    document: dict[str, Any] = yaml.safe_load(ALERTS.read_text("utf-8"))
    assert list(document) == ["groups"]
    found = []
    for group in document["groups"]:
        assert set(group) == {"name", "rules"}
        found += [Rule.model_validate(rule) for rule in group["rules"]]
    return found


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("finished")
    write_corpus(folder)
    metrics = run_metrics(finished_output(config_of(folder)))
    return {metric.name for metric in metrics} | NOT_HERE


def test_rules_are_as_prometheus_takes_them() -> None:
    for rule in rules():
        assert rule.labels["severity"] in ("warning", "critical")
        assert set(rule.annotations) == {"summary", "runbook"}
        assert rule.expr.count("(") == rule.expr.count(")")
    assert len({rule.alert for rule in rules()}) == len(rules())


def test_alerts_are_on_metrics_that_there_are(known: set[str]) -> None:
    for rule in rules():
        named = set(re.findall(r"\bfairshard_\w+", rule.expr))
        assert named
        assert named <= known, rule.alert


def test_every_alert_has_a_page_in_the_runbook() -> None:
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs/runbook.md").read_text("utf-8"), re.M)
    assert headings == [rule.alert for rule in rules()]
    for rule in rules():
        assert rule.annotations["runbook"] == f"docs/runbook.md#{rule.alert.lower()}"


def test_every_alert_is_seen_to_fire_by_promtool() -> None:
    document = yaml.safe_load(TESTS.read_text("utf-8"))
    assert document["rule_files"] == [ALERTS.name]
    fired = {
        case["alertname"]
        for test in document["tests"]
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }
    assert fired == {rule.alert for rule in rules()}


def test_the_documented_metrics_are_those_that_there_are(known: set[str]) -> None:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `fairshard_")]
    documented = {name for row in rows for name in re.findall(r"`(fairshard_\w+)", row)}
    conditional = {
        "fairshard_generation_bias",
        "fairshard_generation_samples_written",
        "fairshard_members_ignored_total",
        "fairshard_table_rows_unmatched_total",
        "fairshard_table_samples_total",
    }
    assert documented - conditional == known - conditional
