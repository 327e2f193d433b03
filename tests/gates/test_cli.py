"""`fairshard gate` as a person types it; what it loads, and that it asks no network."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from jobs.cli import main
from tests.fixtures import ATTRIBUTES
from tests.gated import finished, spoil, with_values, write_own
from tests.naming import named
from transforms.config.sections import Config
from transforms.storage import paths

QUICK = ["--", "--runner=FnApiRunner"]
NO_NETWORK = """
import socket, sys
def refuse(*arguments, **options):
    raise AssertionError(f"asked the network for {arguments}")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = refuse
socket.getaddrinfo = refuse
from jobs.cli import main
sys.argv = ["fairshard", *sys.argv[1:]]
main()
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return finished(tmp_path)


@pytest.fixture
def path(config: Config, tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    values = config.model_dump(mode="json", exclude_defaults=True)
    values["gates"] = {"expectations": "expectations.yaml"}
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    write_own(tmp_path)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["fairshard", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_sound_artefacts_pass_with_one_line_and_data_docs(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = path.parent / "out"
    for stage in ("labels", "plan", "output"):
        assert run(monkeypatch, "gate", stage, path, *QUICK) == 0
        said = capsys.readouterr().out.splitlines()
        assert said[-1].startswith(f"gate {stage} passed: ")
        assert said[-1].endswith(f"data docs: {out}/{paths.DATA_DOCS}")
        assert all(line.startswith("warning: bias after") for line in said[:-1])
        assert json.loads((out / paths.validation(stage)).read_text())["passed"] is True


def test_a_critical_failure_ends_with_4_and_the_expectation_in_words(
    config: Config, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(config, with_values("key", lambda keys: [keys[1], *keys[1:]]))
    assert run(monkeypatch, "gate", "labels", path, *QUICK) == 4
    said = capsys.readouterr()
    sentence = (
        "keys are unique within a shard, but repeated_keys is 1 "
        f"(shard {named(config, '00001')}, 100 samples)"
    )
    assert f"failed: {sentence}\n" in said.out
    assert f"fairshard: the gate of the labels failed: {sentence}" in " ".join(said.err.split())
    assert run(monkeypatch, "gate", "labels", path, "--json", *QUICK) == 4
    assert json.loads(capsys.readouterr().out)["failures"] == [sentence]


def test_own_expectations_are_found_beside_the_configuration(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    share = {"type": "expect_column_mean_to_be_between", "min_value": 0.9, "severity": "warning"}
    write_own(path.parent, {"stage": "labels", "column": f"s.gender.{ATTRIBUTES[0]}", **share})
    assert run(monkeypatch, "gate", "labels", path, *QUICK) == 0
    assert "warning: expect column mean to be between" in capsys.readouterr().out
    write_own(path.parent, {"stage": "labels", "column": "s.gender.nobody", **share})
    assert run(monkeypatch, "gate", "labels", path, *QUICK) == 2
    assert "unknown column s.gender.nobody" in " ".join(capsys.readouterr().err.split())


def test_what_is_not_there_yet_is_one_sentence(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stage, said in (
        ("labels", "have no labels made with this configuration"),
        ("plan", "plan.json is missing"),
        ("output", "plan.json is missing"),
    ):
        elsewhere = path.parent / "elsewhere"
        assert run(monkeypatch, "gate", stage, path, "--output", elsewhere) == 1
        error = " ".join(capsys.readouterr().err.split())
        assert said in error
        assert "Traceback" not in error


def test_no_gate_asks_the_network_for_anything(path: Path) -> None:
    for stage in ("plan", "output"):
        command = [sys.executable, "-c", NO_NETWORK, "gate", stage, str(path)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.splitlines()[-1].startswith(f"gate {stage} passed")
        assert "Traceback" not in ended.stderr
        assert "Calculating Metrics" not in ended.stderr


@pytest.mark.parametrize(
    "module", ["jobs.run.commands", "pipelines.beam.gates", "pipelines.spark.gates"]
)
def test_great_expectations_is_loaded_by_gates_alone(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert module in loaded
    assert "great_expectations" not in loaded
