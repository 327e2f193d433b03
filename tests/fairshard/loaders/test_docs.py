"""The examples of loading by weights give what they say."""

from pathlib import Path

import pytest

from tests.commands import run
from tests.fairshard.examples import tried
from tests.fixtures import config_of, write_corpus
from tests.loading import ROOT
from tests.outputs import finished_output


def test_examples_are_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path)
    finished_output(config_of(tmp_path, output={"url": "balanced"}))
    monkeypatch.chdir(tmp_path)
    assert run("export", "balanced", "weights") == 0
    page = ROOT / "docs" / "loaders.md"
    assert tried("docs/loaders.md", page.read_text(encoding="utf-8"), {}) >= 5
