"""With --json, standard output is one JSON document, also where a command fails."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.run.running import run_command
from jobs.session.options import read_checked
from jobs.stage import command
from tests.commands import run
from tests.fixtures import config_of, write_corpus
from tests.inprocess import InProcess
from tests.runs import quiet

TEXT = """\
input: {shards: "in/*.tar"}
attributes:
  gender:
    names:
      woman: {target: 0.5, lexicn: [woman]}
balance:
  etta: 0.5
output: {url: out}
"""


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """The configuration of an output of one shard, of a corpus of one."""
    write_corpus(tmp_path, samples=40, shards=1)
    config = config_of(tmp_path, gates={"enabled": False})
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json", round_trip=True)))
    run_command("rebalance", read_checked(path), InProcess(), quiet(), "run")
    return path


def document(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_bad_configuration_is_told_key_by_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT)
    for name in ("check", "rebalance", "doctor", "summary"):
        assert run(name, path, "--json") == 2
        said = capsys.readouterr()
        found = json.loads(said.out)
        assert found["exit_code"] == 2
        assert found["error"] in said.err
        problems = {problem["key"]: problem for problem in found["problems"]}
        assert problems["balance.eta"]["reason"] == "missing; it must be given"
        assert problems["balance.etta"] == {
            "key": "balance.etta",
            "line": 7,
            "reason": "unknown key; did you mean eta?",
        }
        assert problems["attributes.gender.names.woman.lexicn"]["line"] == 5


@pytest.mark.parametrize(
    ("old", "new", "key", "line"),
    [
        ("  etta: 0.5", "  eta: [", None, 9),
        ("  etta: 0.5", "  eta: 0.5\n  eta: 0.4", None, 8),
        ("  etta: 0.5", "  eta: 0.5\nengine: {name: bem}", "engine.name", 8),
        (
            "  etta: 0.5",
            "  eta: 0.5\n  overrides:\n  - attributes: gender.man\n    max_association_bias: 1",
            "balance.overrides.0.attributes",
            9,
        ),
    ],
)
def test_a_problem_has_its_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    key: str | None,
    line: int,
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT.replace("lexicn", "lexicon").replace(old, new))
    assert run("check", path, "--json") == 2
    (problem,) = document(capsys)["problems"]
    assert (problem["key"], problem["line"]) == (key, line)


def test_a_key_that_is_set_is_in_no_line(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", output, "--json", "--set", "balance.eta=-1") == 2
    (problem,) = document(capsys)["problems"]
    assert (problem["key"], problem["line"]) == ("balance.eta", None)


def test_whatever_fails_is_told(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = output.parent / "missing"
    for words, code in (
        (["status", missing, "--json"], 1),
        (["gate", "plans", output, "--json"], 2),
        (["check", output, "--jsn", "--json"], 2),
        (["compare", output, "--json", "--balancer", "rake"], 2),
        (["rebalance", output, "--json", "--outptu", "x"], 2),
    ):
        assert run(*words) == code
        found = document(capsys)
        assert (found["exit_code"], found["problems"]) == (code, [])
        assert found["error"]
    assert run("rebalance", output, "--", "--json", "--jsn") == 2
    assert capsys.readouterr().out == ""


def test_a_gate_that_fails_prints_its_summary_alone(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expectations = output.parent / "expectations.yaml"
    expectations.write_text(
        "- {stage: output, type: expect_table_row_count_to_be_between, table: shards, "
        "min_value: 9}\n"
    )
    given = f"gates.expectations={expectations}"
    code = run("gate", "output", output, "--set", given, "--set", "gates.enabled=true", "--json")
    said = capsys.readouterr()
    assert code == 4, said.err
    assert json.loads(said.out)["passed"] is False


def test_a_scheduler_sets_keys_too() -> None:
    words = ["--stage=solve", "--config=c.yaml", "--set=balance.eta=0.4", "--set=seed=1", "--x=1"]
    own = ["--set=balance.eta=0.4", "--set=seed=1"]
    assert command(words) == ["solve", "c.yaml", "--json", *own, "--", "--x=1"]


def test_init_and_metrics_answer_too(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init") == 0
    example = capsys.readouterr().out
    assert run("init", "--json") == 0
    assert document(capsys) == {"config": example}
    assert run("metrics", output, "--json") == 0
    found = document(capsys)
    metrics = {metric["name"]: metric for metric in found["metrics"]}
    assert found["output"] == str(output.parent / "out")
    assert metrics["fairshard_samples_labelled_total"]["values"] == [{"labels": {}, "value": 40}]
    assert run("metrics", output) == 0
    assert "fairshard_samples_labelled_total{" in capsys.readouterr().out


def test_one_shard_is_said_as_one(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, said in (
        ("check", "the configuration is valid: 1 shard, "),
        ("summary", "written to 1 shard ("),
        ("verify", "1 shard "),
    ):
        assert run(name, output) == 0
        shown = capsys.readouterr().out
        assert said in shown
        assert "1 shards" not in shown
    assert run("rebalance", output, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "the labels of 1 shard are kept" in shown
    assert "1 shards" not in shown
