"""Names and words of strangers command no terminal, and are no markup on it."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands import run
from tests.fixtures import write_corpus

NAME = "[red]x[bold]\x1b]0;owned\x07\x1b[2J\x9b2J\u202e"
SHOWN = r"[red]x[bold]\x1b]0;owned\x07\x1b[2J\x9b2J\u202e"
COMMANDING = {"\x1b", "\x07", "\x9b", "\u202e"}


def config_at(folder: Path, shards: str, **more: Any) -> Path:
    write_corpus(folder, samples=40, shards=2)
    names = {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")}
    values = {
        "input": {"shards": shards},
        "attributes": {"gender": {"share_of": "group", "names": names}},
        "balance": {"eta": 0.5},
        "output": {"url": f"out{NAME}"},
        **more,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_names_are_shown_and_not_obeyed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    path = config_at(tmp_path, "in/*.tar")
    os.truncate(tmp_path / "in/00001.tar", 700)
    (tmp_path / "in/00001.tar").rename(tmp_path / "in" / f"{NAME}.tar")
    for command in ("check", "label", "status", "failed", "solve"):
        run(command, path, *(["--", "--runner=FnApiRunner"] if command == "label" else []))
        said = "".join(capfd.readouterr())
        assert COMMANDING & {*said} == set(), (command, said)
        assert SHOWN in said or command not in ("check", "status"), (command, said)


def test_an_error_is_shown_and_not_obeyed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("label", config_at(tmp_path, "in/\x1b[2J.tar")) == 1
    said = capfd.readouterr().err
    assert r"in/\x1b[2J.tar" in said
    assert COMMANDING & {*said} == set()
