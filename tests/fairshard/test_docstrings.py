"""The examples in the docstrings give what they say."""

from pathlib import Path

import pytest

import fairshard
from tests.fairshard.examples import tried
from tests.fixtures import config_of, write_corpus

FUNCTIONS = (
    "read_config",
    "preview",
    "label",
    "solve",
    "resample",
    "rebalance",
    "drift",
    "transfer",
    "verify",
    "why",
    "export",
    "balance",
)
IN_MEMORY = {"options": {"runner": "FnApiRunner"}}
OUTPUT = {"url": "balanced", "samples_per_shard": 40}


def test_examples_are_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path)
    monkeypatch.chdir(tmp_path)
    known = {**vars(fairshard), "config": config_of(tmp_path, engine=IN_MEMORY, output=OUTPUT)}
    for name in FUNCTIONS:
        assert tried(name, getattr(fairshard, name).__doc__, known) > 0


@pytest.mark.parametrize("name", fairshard.__all__)
def test_everything_says_what_it_is(name: str) -> None:
    assert len(getattr(fairshard, name).__doc__) > 20
