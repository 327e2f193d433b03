"""What fairshard starts is its own, also in a folder that holds folders of the same names."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.fixtures import config_of, write_corpus


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder with a corpus, its configuration, and packages of the user's own."""
    write_corpus(tmp_path, samples=30, shards=2)
    config = config_of(tmp_path, gates={"enabled": False}).model_dump(mode="json")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    for package in ("jobs", "transforms", "pipelines"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise ImportError('the user's own')\n")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "jobs.stage", "--stage=label", "--config=config.yaml"],
        ["-m", "jobs.stage", "--stage=label", "--config=config.yaml", "--engine=spark"],
    ],
    ids=["beam", "spark"],
)
def test_a_users_own_packages_are_not_picked_up(folder: Path, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-P", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "out" / "labels").iterdir())) == 2
