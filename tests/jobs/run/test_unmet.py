"""A run that misses what was asked is done, and says so: by its words, its code and its file."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import fairshard
from jobs.stage import command
from tests.commands import run
from tests.earlier import of_earlier_version
from tests.fixtures import config_of, tree, write_corpus
from tests.gates.test_suites import biased
from tests.tampering import edit_json
from transforms.storage import paths
from transforms.storage.files import Storage

IN_MEMORY = {"options": {"runner": "FnApiRunner"}}
UNMET = {"eta": 0.9, "max_association_bias": None}
LABELS = {"thing": {"field": "words", "names": ["doctor", "nurse", "unicorn"]}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path)


def written(folder: Path, **balance: Any) -> Path:
    """A configuration at whose rate shares cannot be met, and one of whose labels there is not."""
    write_corpus(folder)
    config = config_of(folder, labels=LABELS, balance={**UNMET, **balance})
    values = {**config.model_dump(mode="json", exclude_defaults=True), "engine": IN_MEMORY}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


def test_a_rebalance_that_misses_ends_with_5_and_so_does_its_rerun_which_does_nothing(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = path.parent / "out"
    assert run("rebalance", path) == 5
    first = capsys.readouterr()
    assert (
        "\ndone, unmet: 2 of 4 constraints are not met: not all can be at eta = 0.9." in first.out
    )
    assert "fairshard: done, unmet: what was asked for is not met" in first.err
    assert json.loads((out / paths.RUN).read_text())["met"] is False
    assert json.loads((out / paths.RUN).read_text())["error"] is None
    before = {name: (out / name).stat().st_mtime_ns for name in tree(out)}
    assert run("rebalance", path) == 5
    again = capsys.readouterr()
    assert "the output is complete: nothing to do" in again.err
    assert again.out == first.out
    assert {name: (out / name).stat().st_mtime_ns for name in before} == before
    assert run("rebalance", path, "--allow-unmet", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["met"] is False and summary["verdict"].startswith("2 of 4 constraints")
    assert run("status", out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["run"]["met"] is False
    assert run("status", out) == 0
    assert "(done, unmet)" in " ".join(capsys.readouterr().out.split())
    assert run("summary", path) == 0
    assert capsys.readouterr().out == first.out


def test_stages_by_themselves_end_with_5_too(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("label", path) == 0
    assert json.loads((path.parent / "out" / paths.RUN).read_text())["met"] is None
    for _ in range(2):
        assert run("solve", path) == 5
    said = capsys.readouterr().out
    assert re.search(r": missed by 0\.\d+\ndone, unmet: 2 of 4 constraints", said)
    assert run("solve", path, "--allow-unmet") == 0
    for _ in range(2):
        assert run("resample", path) == 5
    assert run("resample", path, "--allow-unmet") == 0
    assert run("rebalance", path, "--dry-run") == 0


def test_an_output_that_misses_more_than_sampling_explains_is_unmet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, eta=0.5)
    for stage in ("label", "solve", "resample"):
        assert run(stage, path) == 0
    of_earlier_version(Storage(str(tmp_path / "out")))
    edit_json(tmp_path / "out" / paths.MANIFEST, biased(0.4))
    capsys.readouterr()
    assert run("resample", path) == 5
    assert "by more than sampling explains (4 standard errors)" in capsys.readouterr().out
    assert run("rebalance", path) == 4


def test_the_gates_do_not_say_passed_and_warn_by_name(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("rebalance", path, "--json", "--json-logs") == 5
    printed = capsys.readouterr()
    gates = {gate["stage"]: gate for gate in json.loads(printed.out)["gates"]}
    assert {stage: gate["outcome"] for stage, gate in gates.items()} == {
        "labels": "passed",
        "plan": "unmet",
        "output": "unmet",
    }
    assert not gates["plan"]["passed"] and gates["plan"]["failures"] == []
    assert gates["plan"]["unmet"] == [
        "share of gender.man, from above",
        "share of gender.woman, from below",
    ]
    warnings = [warning for gate in gates.values() for warning in gate["warnings"]]
    assert (
        "every label is seen in some samples and not in all, but y.thing.unicorn is in 0 of 300 "
        "samples"
    ) in warnings
    events = [json.loads(line) for line in printed.err.splitlines() if line.startswith("{")]
    logged = [event["warning"] for event in events if event["message"] == "gate warning"]
    assert logged == warnings
    assert run("summary", path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.removeprefix("  warning: ") for line in lines if "warning:" in line] == warnings
    assert any(line.startswith("gate of the plan: unmet, 1 warning; see ") for line in lines)
    assert run("gate", "plan", path) == 0
    said = capsys.readouterr().out
    assert f"warning: {gates['plan']['warnings'][0]}\n" in said
    assert "gate plan unmet: 12 expectations, 0 critical failed, 1 warning; " in said


def test_from_python_it_is_told_and_not_raised(path: Path) -> None:
    config = fairshard.read_config(path)
    assert not fairshard.rebalance(config, quiet=True).met
    assert not fairshard.solve(config, quiet=True).met
    assert fairshard.label(config, quiet=True).shards == 3


def test_a_scheduler_can_allow_it() -> None:
    asked = ["--stage=solve", "--config=c.yaml", "--allow-unmet", "--runner=DirectRunner"]
    assert command(asked) == [
        "solve",
        "c.yaml",
        "--json",
        "--allow-unmet",
        "--",
        "--runner=DirectRunner",
    ]
