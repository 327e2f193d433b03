"""The examples in the docstrings give what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import fairshard
from tests.fixtures import config_of, write_corpus
from tests.loading import modules_of

IN_MEMORY = {"options": {"runner": "FnApiRunner"}}


def test_examples_are_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path)
    monkeypatch.chdir(tmp_path)
    known = {
        "config": config_of(
            tmp_path, engine=IN_MEMORY, output={"url": "balanced", "samples_per_shard": 40}
        )
    }
    tried = 0
    for name in modules_of(fairshard):
        found = doctest.testmod(import_module(name), extraglobs=known, optionflags=doctest.ELLIPSIS)
        assert not found.failed, name
        tried += found.attempted
    assert tried > 15


@pytest.mark.parametrize("name", fairshard.__all__)
def test_everything_says_what_it_is(name: str) -> None:
    assert len(getattr(fairshard, name).__doc__) > 20
