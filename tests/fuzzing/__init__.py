"""Fuzzing: a module for each kind of hostile bytes, each with `seeds()` and `check(content)`.

`check` raises nothing, whatever the bytes: not a FairshardError either, which it takes for the
answer that it is. Files that once made one raise are kept in found/TARGET/ as cases of the tests.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

TARGETS = (
    "tars",
    "gzips",
    "metadata",
    "captions",
    "tokens",
    "configs",
    "plans",
    "manifests",
    "records",
    "calibrations",
    "labels",
    "images",
    "checkpoints",
)
FOUND = Path(__file__).parent / "found"


def target(name: str) -> ModuleType:
    """The module of one of TARGETS."""
    return import_module(f"tests.fuzzing.{name}")


def found(name: str) -> list[Path]:
    """The files that once made the target `name` raise, hang or take too much memory."""
    return sorted((FOUND / name).glob("*"))
