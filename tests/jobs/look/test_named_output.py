"""Commands that look take an output or its configuration, and say what was meant by neither."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from jobs.run.running import run_command
from jobs.session.options import read_checked
from tests.commands import run
from tests.fixtures import config_of, write_corpus
from tests.inprocess import InProcess
from tests.runs import quiet

COMMANDS = ("summary", "status", "failed", "clean", "verify", "report", "metrics")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a finished output, beside it."""
    folder = tmp_path_factory.mktemp("finished")
    write_corpus(folder, samples=80, shards=2)
    config = config_of(folder, gates={"enabled": False})
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json", round_trip=True)))
    run_command("rebalance", read_checked(path), InProcess(), quiet(), "run")
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_both_are_taken_and_say_the_same(
    finished: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    said = []
    for target in (finished.parent / "out", f"file://{finished.parent / 'out'}", finished):
        assert run(command, target) == 0
        said.append(capsys.readouterr().out.replace("file://", ""))
    assert said[0] == said[1] == said[2] != ""


@pytest.mark.parametrize("words", [*([one] for one in COMMANDS), ["why"], ["export", "card"]])
def test_an_output_alone_is_told_of_where_nothing_else_was_read(
    finished: Path, words: list[str]
) -> None:
    command, *more = words
    target = str(finished.parent / "out")
    told = [sys.executable, "-m", "jobs.cli", command, target, *more]
    done = subprocess.run(told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_neither_is_told_with_what_may_be_meant(
    finished: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    folder = finished.parent
    assert run(command, folder) == 1
    told = capsys.readouterr().err
    assert f"{folder} holds no run: give the output folder" in told
    assert f"or its configuration, which may be {finished}" in told
    assert run(command, folder / "in") == 1
    assert "holds no run" in capsys.readouterr().err
    assert run(command, folder / "nowhere") == 1
    assert "nowhere is not there: give the output folder" in capsys.readouterr().err
    assert run(command, folder / "nowhere.yaml") == 2
    assert "cannot be read: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"clean"}))
def test_a_configuration_that_has_not_run_yet_is_told(
    finished: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(command, finished, "--set", "output.url=new") == 1
    told = capsys.readouterr().err
    assert f"new, the output of {finished}, holds no run: run `fairshard rebalance" in told


def test_a_configuration_may_have_any_name(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = finished.with_name("settings.conf")
    other.write_text(finished.read_text())
    assert run("status", other) == 0
    assert "no run is active" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["OUT", "--set", "seed=1"], "--set changes a configuration: give that, not the output"),
        (["OUT", "--output", "x"], "--output changes a configuration: give that"),
        (["CONFIG", "--config", "CONFIG"], "is a configuration itself: leave out --config"),
    ],
)
def test_options_that_do_not_go_together(
    finished: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    given = {"OUT": finished.parent / "out", "CONFIG": finished}
    assert run("summary", *(given.get(word, word) for word in words)) == 2
    assert said in capsys.readouterr().err


def test_a_configuration_that_is_not_the_outputs_is_told_by_its_keys(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("verify", finished, "--set", "balance.eta=0.1") == 2
    assert "balance.eta differs: verify with that one" in capsys.readouterr().err
