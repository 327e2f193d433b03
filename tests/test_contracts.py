"""Who may import whom: each contract holds, and is broken by an import that is planted."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.loading import ROOT, planted

_ENDED = re.compile(r"^(.+) (KEPT|BROKEN)(?: \(.+\))?$", re.MULTILINE)

PLANTED = {
    "Rooms of transforms, from the ground up": ("transforms.base.errors", "transforms.config.urls"),
    "Engines know the core, jobs know engines": ("pipelines.beam.engine", "jobs.session.console"),
    "Nothing knows the Python interface": ("jobs.run.running", "fairshard"),
    "Engines do not know each other": ("pipelines.beam.engine", "pipelines.spark.engine"),
    "The core knows no engine and no terminal": ("transforms.stages.tasks", "apache_beam"),
    "What sessions have in common knows no command": ("jobs.session.lease", "jobs.look.clean"),
    "Verification shares nothing with what it verifies": (
        "transforms.verification.bias",
        "transforms.statistics.measures",
    ),
    "The solver knows no files": ("transforms.m4.problem", "transforms.storage.files"),
    "Workers start without the solver": ("transforms.plan.passes", "transforms.m4.solver"),
    "The model is recognition's": ("transforms.labels.labelling", "torch"),
    "Great Expectations is the gates'": ("jobs.run.gate", "great_expectations"),
    "Compiled loops are the solver's": ("transforms.statistics.moments", "numba"),
    "Nothing knows the tests": ("transforms.base.errors", "tests"),
    "No circles among siblings": ("transforms.m4.terms", "transforms.m4.problem"),
}


def contracts(folder: Path) -> dict[str, bool]:
    """Whether each contract is kept by the code in `folder`."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return {name: end == "KEPT" for name, end in _ENDED.findall(done.stdout)}


def test_all_are_kept() -> None:
    assert contracts(ROOT) == dict.fromkeys(PLANTED, True)


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_import_breaks_it(tmp_path: Path, contract: str) -> None:
    module, imported = PLANTED[contract]
    planted(tmp_path, module, f"import {imported}")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert not contracts(tmp_path)[contract]
