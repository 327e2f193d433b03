"""What nobody's terminal shows is neither wrapped nor cut."""

from pathlib import Path

import pytest
import yaml
from rich.table import Table

from jobs.session.console import console
from tests.commands import run

LONG = "a sentence that is longer than eighty characters, which no program that reads it wants cut"


def test_a_pipe_gets_each_line_whole(capsys: pytest.CaptureFixture[str]) -> None:
    for stderr in (False, True):
        shown = console(stderr)
        shown.print(f"{LONG}; {LONG}")
        table = Table(box=None)
        for heading in ("one", "two", "three"):
            table.add_column(heading)
        table.add_row(LONG, LONG, LONG)
        shown.print(table)
        said = capsys.readouterr()
        lines = (said.err if stderr else said.out).splitlines()
        assert lines[0] == f"{LONG}; {LONG}"
        assert [line.split() for line in lines[2:]] == [f"{LONG} {LONG} {LONG}".split()]
        assert all(len(line) < 400 for line in lines)


def test_columns_of_the_environment_are_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    console().print(LONG)
    assert capsys.readouterr().out == f"{LONG}\n"


def test_a_wrong_command_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    name = "x" * 100
    assert run("check", "config.yaml", f"--{name}") == 2
    assert f"Error: No such option: --{name}\n" in capsys.readouterr().err
    assert run("chekc") == 2
    assert "No such command 'chekc'. Did you mean 'check'?" in capsys.readouterr().err
    assert run("check", "config.yaml", "--jsno") == 2
    assert "No such option: --jsno (Possible options: --json)" in capsys.readouterr().err


def test_no_arguments_are_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 2
    assert "rebalance" in capsys.readouterr().out


def test_an_option_that_no_engine_knows_may_be_one_of_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {
        "input": {"shards": "in/*.tar"},
        "attributes": {"g": {"names": {"w": {"target": 0.5, "lexicon": ["w"]}}}},
        "balance": {"eta": 0.5},
        "output": {"url": "out"},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    assert run("label", path, "--dry-rn") == 2
    assert "; did you mean '--dry-run'?" in capsys.readouterr().err
    assert run("label", path, "--engine", "spark", "--restrat") == 2
    assert "; did you mean '--restart'?" in capsys.readouterr().err
