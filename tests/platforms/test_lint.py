"""Dockerfiles and scripts as their linters see them, and the versions that they name."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.loading import ROOT

INFRA = ROOT / "infra"
DOCKERFILES = sorted(INFRA.rglob("Dockerfile"))
SCRIPTS = sorted(INFRA.rglob("*.sh"))


def lint(tool: str, *files: Path) -> str:
    """What a linter of this environment finds wrong."""
    command = [str(Path(sys.executable).with_name(tool)), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_dockerfiles_are_clean(dockerfile: Path) -> None:
    assert lint("hadolint", dockerfile) == ""


def test_scripts_are_clean_and_can_be_run() -> None:
    assert lint("shellcheck", *SCRIPTS) == ""
    assert all(script.stat().st_mode & 0o111 for script in SCRIPTS)


def test_images_are_of_the_tested_versions() -> None:
    docker = (INFRA / "docker" / "Dockerfile").read_text()
    dataflow = (INFRA / "dataflow" / "Dockerfile").read_text()
    assert f"apache/spark:{version('pyspark')} " in docker
    assert f"apache/beam_python3.11_sdk:{version('apache-beam')} " in dataflow


def test_the_images_are_not_rooted_and_say_whether_they_are_well() -> None:
    text = (INFRA / "docker" / "Dockerfile").read_text()
    stages = {part.split()[2]: part for part in text.split("\nFROM ")[1:]}
    users = {
        name: [line.split()[1] for line in part.splitlines() if line.startswith("USER ")][-1:]
        for name, part in stages.items()
    }
    assert users["runtime"] == ["10001:10001"]
    assert users["spark"] == ["10001:10001"]
    assert users["dataproc"] == ["1099:1099"]
    assert users["cpu"] == users["gpu"] == []
    assert "HEALTHCHECK" in stages["runtime"]
