"""Which modules a fresh process loads, in this checkout or in a copy of its packages."""

import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
_PACKAGES = ("transforms", "pipelines", "jobs", "fairshard")


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
    return {name for name in modules if name.partition(".")[0] in _PACKAGES}


def modules_of(package: ModuleType) -> list[str]:
    """The names of all modules of a package, its own first."""
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [package.__name__, *(module.name for module in found)]


def planted(folder: Path, module: str, line: str) -> Path:
    """A copy of the packages in which `module` begins with `line`."""
    for package in _PACKAGES:
        shutil.copytree(ROOT / package, folder / package)
    path = folder / f"{module.replace('.', '/')}.py"
    path = path if path.exists() else path.with_suffix("") / "__init__.py"
    path.write_text(f"{line}\n{path.read_text()}")
    return folder
