"""What an export says last can be typed as it stands, whatever the folder is called."""

import re
import shlex
from ast import literal_eval
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.session.options import read_checked
from tests.commands import run
from tests.outputs import finished_output
from tests.uid_corpus import write_config, write_corpus


def last_word(command: str) -> str:
    return shlex.split(command)[-1]


SAID: dict[str, tuple[str, Callable[[str], str], str]] = {
    "datacomp": ("`(python .*)`", last_word, "out/exports/datacomp/subset.npy"),
    "energon-exclude": ("`(energon prepare [^`]*)`", last_word, "in"),
    "energon": (r"get_train_dataset\((.*), \.\.\.\)", literal_eval, "out/shards"),
    "wids": (r"ShardListDataset\((.*)\)", literal_eval, "out/shards/shardindex.json"),
}


def test_folders_are_quoted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / """it's "odd" (1)"""
    write_corpus(folder)
    config = write_config(folder)
    finished_output(read_checked(config))
    for name, (said, read, place) in SAID.items():
        assert run("export", config, name) == 0
        found = re.search(said, capsys.readouterr().out)
        assert found, name
        assert read(found[1]) == str(folder / place)
