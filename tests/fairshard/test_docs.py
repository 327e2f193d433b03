"""The examples for people who work in Python give what they say."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.fairshard.examples import tried
from tests.fairshard.test_balance import drawn
from tests.fairshard.test_runs import IN_MEMORY, VALUES, written
from tests.fixtures import write_corpus
from tests.loading import ROOT


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_examples_are_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    write_corpus(tmp_path)
    (tmp_path / "config.yaml").write_text(written({**VALUES, "engine": IN_MEMORY}))
    pq.write_table(drawn(10_000), tmp_path / "pictures.parquet")
    monkeypatch.chdir(tmp_path)
    assert tried(page, (ROOT / page).read_text(encoding="utf-8"), {}) >= 5
