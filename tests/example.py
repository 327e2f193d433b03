"""The package under `tests/example_package`, installed as a user installs one."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.loading import ROOT


def install_example(folder: Path) -> Path:
    """Install the example package below `folder`; where it then is, for PYTHONPATH."""
    source, target = folder / "source", folder / "installed"
    shutil.copytree(ROOT / "tests" / "example_package", source)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--target", str(target), str(source)]
    subprocess.run(command, check=True)
    return target
