"""One finished output that all tests of exports copy."""

import shutil
from pathlib import Path

import pytest

from tests.exported import output
from transforms.storage.files import Storage


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the input and the output, which no test may change."""
    folder = tmp_path_factory.mktemp("finished")
    output(folder)
    return folder


@pytest.fixture
def storage(finished: Path, tmp_path: Path) -> Storage:
    """A copy of the output for one test."""
    shutil.copytree(finished / "out", tmp_path / "out")
    return Storage(str(tmp_path / "out"))
