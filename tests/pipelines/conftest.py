"""What the engines' tests share."""

import pytest

from tests.loading import ROOT


@pytest.fixture
def tests_in_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let worker processes, which look in no folder of their own accord, load what tests define."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
