"""Copies of checkpoints: whole or not there, also where processes die or come together.

fsspec's own caches (filecache, simplecache) write into the file that others read.
"""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from tests.loading import ROOT
from transforms.base.errors import FairshardError
from transforms.recognition.checkpoints import fetched

WEIGHTS = bytes(range(256)) * 4096
ANOTHER = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from fsspec.implementations.local import LocalFileSystem
from transforms.recognition.checkpoints import fetched

def die(system, path, copy, **given):
    with open(copy, "wb") as half:
        half.write(open(path, "rb").read(1000))
    os._exit(9)

if "dies" in sys.argv:
    LocalFileSystem.get_file = die
print(fetched(sys.argv[1]))
"""


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A checkpoint, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "weights.pt").write_bytes(WEIGHTS)
    return f"file://{tmp_path}/weights.pt"


def another(*words: str) -> subprocess.CompletedProcess[str]:
    """Another process that fetches."""
    command = [sys.executable, "-P", "-c", ANOTHER, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_a_process_that_died_left_is_not_taken(url: str) -> None:
    assert another(url, "dies").returncode == 9
    assert fetched(url).read_bytes() == WEIGHTS


def test_a_fetch_that_fails_leaves_nothing(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(system: Any, path: str, copy: str, **given: Any) -> None:
        Path(copy).write_bytes(WEIGHTS[:1000])
        raise OSError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "get_file", fail)
        with pytest.raises(FairshardError, match="cannot be fetched: the connection is lost"):
            fetched(url)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert fetched(url).read_bytes() == WEIGHTS


def test_of_two_at_once_neither_changes_what_the_other_reads(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other comes while this one has half of it, and is still reading when it is done."""
    whole, others = LocalFileSystem.get_file, []

    def slowly(system: Any, path: str, copy: str, **given: Any) -> None:
        theirs = Path(another(url).stdout.strip()).open("rb")  # noqa: SIM115  closed with the stack
        others.append(opened.enter_context(theirs))
        Path(copy).write_bytes(WEIGHTS[:1000])
        assert others[0].read() == WEIGHTS
        others[0].seek(0)
        whole(system, path, copy, **given)

    monkeypatch.setattr(LocalFileSystem, "get_file", slowly)
    with ExitStack() as opened:
        mine = fetched(url)
        assert others[0].read() == mine.read_bytes() == WEIGHTS
        assert Path(others[0].name) == mine
