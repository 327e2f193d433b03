"""Python and the packages: are they there, in versions that fairshard was written for?"""

import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from jobs.begin.diagnosis.finding import Finding, missing, ok, warning

_NAME = "fairshard"


def check_python() -> Finding:
    """The interpreter, against what fairshard asks for."""
    found = f"{platform.python_version()} in {sys.prefix}"
    wanted = _wanted_python()
    if platform.python_version() in SpecifierSet(wanted, prereleases=True):
        return ok("python", found)
    newest = wanted.removeprefix(">=")
    return missing(
        "python",
        f"{found}; {wanted} is needed",
        f"python{newest} -m venv .venv && .venv/bin/pip install fairshard",
    )


def check_packages(extras: Iterable[str]) -> list[Finding]:
    """The packages that fairshard and its `extras` ask for: one line if all is well, else each."""
    try:
        wanted = [Requirement(line) for line in requires(_NAME) or ()]
    except PackageNotFoundError:
        return [
            warning(
                "packages", "fairshard is not installed: versions are not known", "pip install ."
            )
        ]
    asked = [one for one in wanted if _applies(one, extras)]
    wrong = [finding for one in asked if (finding := check_package(one)) is not None]
    return wrong or [ok("packages", f"{len(asked)} as asked for")]


def check_package(wanted: Requirement) -> Finding | None:
    """What is wrong with one package; None where nothing is."""
    mend = f"{sys.executable} -m pip install '{wanted.name}{wanted.specifier}'"
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return missing(wanted.name, "not installed", mend)
    if wanted.specifier.contains(found, prereleases=True):
        return None
    return missing(wanted.name, f"{found}; {wanted.specifier} is needed", mend)


def _wanted_python() -> str:
    try:
        return metadata(_NAME)["Requires-Python"]
    except PackageNotFoundError:
        return ">=3.11"


def _applies(wanted: Requirement, extras: Iterable[str]) -> bool:
    if wanted.marker is None:
        return True
    return any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras))
