"""Which modules a fresh process loads, in this checkout or in a copy of its packages."""

import json
import os
import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
PACKAGES = ("transforms", "pipelines", "jobs", "fairshard")
_COMMANDS = """
import contextlib, io, json, sys
from jobs.cli import main
ended = []
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as stopped:
            ended.append((stopped.code or 0, out.getvalue(), err.getvalue()))
print(json.dumps(ended))
"""


def loaded(modules: Iterable[str], root: Path = ROOT) -> set[str]:
    """The modules that are loaded once `modules` are imported from `root`."""
    names = list(modules)
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r}); [__import__(name) for name in {names!r}]; "
        "print(*sys.modules)"
    )
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def ours(modules: Iterable[str]) -> set[str]:
    """Those of the modules that are fairshard's."""
    return {name for name in modules if name.partition(".")[0] in PACKAGES}


def modules_of(package: ModuleType) -> list[str]:
    """The names of all modules of a package, its own first."""
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [package.__name__, *(module.name for module in found)]


def copied(folder: Path) -> Path:
    """A copy of the packages."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package)
    return folder


def with_module(folder: Path, module: str, code: str) -> Path:
    """A copy of the packages in which there is one more module."""
    (copied(folder) / f"{module.replace('.', '/')}.py").write_text(code)
    return folder


def planted(folder: Path, module: str, line: str) -> Path:
    """A copy of the packages in which `module` begins with `line`."""
    path = copied(folder) / f"{module.replace('.', '/')}.py"
    path = path if path.exists() else path.with_suffix("") / "__init__.py"
    path.write_text(f"{line}\n{path.read_text()}")
    return folder


def fairshard(root: Path, *commands: Sequence[object]) -> list[tuple[int, str, str]]:
    """The `fairshard` of the packages in `root`, in one process: for each of the commands its exit
    code, what it printed, and what it said.
    """
    words = [[str(word) for word in command] for command in commands]
    done = subprocess.run(
        [sys.executable, "-c", _COMMANDS, json.dumps(words)],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
    )
    return [(code, out, err) for code, out, err in json.loads(done.stdout.splitlines()[-1])]
