"""fairshard why: what is known, what is found when it goes on, for people and for programs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import fairshard
from jobs.run.running import run_command
from tests.commands import run
from tests.damages import damages_of, restore
from tests.fixtures import config_of, write_corpus
from tests.inprocess import InProcess
from tests.outputs import finished_output
from tests.runs import quiet
from transforms.config.sections import Config
from transforms.storage import paths
from transforms.storage.files import Storage

GREEDY = {"eta": 0.9, "max_representation_bias": 0.02, "max_association_bias": 0.05}


def output_of(folder: Path, **balance: Any) -> tuple[Config, Storage]:
    write_corpus(folder)
    config = config_of(folder, balance=balance or GREEDY, gates={"enabled": False})
    return config, finished_output(config)


def test_it_goes_on_from_what_was_found_in_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, storage = output_of(tmp_path)
    storage.delete(paths.EXPLANATION)
    assert run("why", storage.url, "--seconds", 0) == 0
    first = capsys.readouterr().out.splitlines()
    assert " constraints are not met: not all can be at eta = 0.9." in first[0]
    assert first[1].startswith(("cannot be met", "these "))
    assert first[-1].startswith("still to be found: ")
    assert first[-1].endswith(f"; `fairshard why {storage.url}` goes on")
    assert run("why", storage.url) == 0
    second = capsys.readouterr().out.splitlines()
    assert any(line.startswith("or eta <= ") for line in second)
    assert not any("still to be found" in line for line in second)
    before = storage.read(paths.EXPLANATION)
    assert run("why", storage.url, "--seconds", 0) == 0
    assert capsys.readouterr().out.splitlines() == second
    assert storage.read(paths.EXPLANATION) == before


def test_a_configuration_names_its_output_and_programs_get_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, storage = output_of(tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json", exclude_unset=True)))
    assert run("why", path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["output"] == storage.url and found["missed"]
    assert found["finding"] == "conflict" and found["complete"] and found["smallest"]
    assert found["conflict"]["constraints"] and found["not_sought"] == []
    assert found["explanation"] == storage.path(paths.EXPLANATION)
    from_python = fairshard.why(config, quiet=True)
    assert from_python.complete and from_python.rate == found["conflict"]["rate"]
    assert list(from_python.conflict) == found["conflict"]["constraints"]
    assert str(from_python).splitlines() == [found["missed_in_words"], *found["why"]]


def test_where_all_is_met_there_is_nothing_to_explain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, storage = output_of(tmp_path, eta=0.4)
    assert run("why", storage.url) == 0
    said = capsys.readouterr().out
    assert said == "the plan meets everything asked for: there is nothing to explain\n"
    assert run("why", storage.url, "--json") == 0
    assert json.loads(capsys.readouterr().out)["finding"] is None
    assert not storage.exists(paths.EXPLANATION)


def test_where_there_is_no_plan_one_sentence_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("why", tmp_path / "nowhere") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "nowhere is not there: give the output folder of a run that has begun" in line
    _, storage = output_of(tmp_path)
    storage.delete(paths.PLAN)
    assert run("why", storage.url) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "plan.json is missing" in line


def test_the_summary_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, storage = output_of(tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json", exclude_unset=True)))
    assert run("summary", path, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["why"][0].startswith("cannot be met")
    storage.delete(paths.EXPLANATION)
    assert run("summary", path) == 0
    assert f"still to be found: why; `fairshard why {storage.url}` goes on" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("name", [paths.EXPLANATION, paths.PLAN, paths.PATTERNS])
def test_damaged_files_are_answered_in_a_sentence(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, storage = output_of(tmp_path)
    pristine = tmp_path / "pristine"
    shutil.copytree(tmp_path / "out", pristine)
    for kind, damage in damages_of(name).items():
        for command in (("why", "--seconds", 0), ("report",)):
            restore(tmp_path / "out", pristine)
            damage(tmp_path / "out" / name)
            if name != paths.EXPLANATION:
                storage.delete(paths.EXPLANATION)
            code = run(command[0], storage.url, *command[1:])
            said = capsys.readouterr()
            told = (kind, command, code, said.err[-1500:])
            assert "Traceback" not in said.err and "should not have" not in said.err, told
            assert code == 0 or "fairshard: " in said.err, told


@pytest.mark.parametrize("command", ["solve", "rebalance"])
def test_a_run_that_was_killed_while_it_explained_solves_nothing_again(
    tmp_path: Path, command: str
) -> None:
    """What was not found is looked for; what was found in part is left to `fairshard why`."""
    config, storage = output_of(tmp_path)
    plan, whole = storage.read(paths.PLAN), storage.read(paths.EXPLANATION)
    solved = Path(storage.path(paths.PLAN)).stat().st_mtime_ns
    storage.delete(paths.EXPLANATION)
    run_command(command, config, InProcess(), quiet(), "r1")
    assert storage.read(paths.EXPLANATION) == whole
    part = json.dumps({**json.loads(whole), "sought": []}).encode()
    storage.publish(paths.EXPLANATION, part)
    run_command(command, config, InProcess(), quiet(), "r2")
    assert storage.read(paths.EXPLANATION) == part and storage.read(paths.PLAN) == plan
    assert Path(storage.path(paths.PLAN)).stat().st_mtime_ns == solved
