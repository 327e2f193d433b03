"""The job that compiles the solver's loops before a solve waits for it."""

import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console

from jobs.session.ticking import ticking
from transforms.base.errors import FairshardError, reason_of
from transforms.m4 import kernels
from transforms.m4.compiling import told_of_compiling
from transforms.m4.kept import folders, place
from transforms.m4.warming import failure, warm


def run(console: Console) -> dict[str, Any]:
    """Compile what is not kept; FairshardError where what was compiled can be kept nowhere."""
    compiled: list[float] = []

    def noted() -> nullcontext[None]:
        compiled.append(time.monotonic())
        return nullcontext()

    begun, source = time.monotonic(), Path(kernels.__file__)
    with ticking("compiling", console), told_of_compiling(noted):
        warm()
    kept = place(source)
    if compiled and kept is None:
        tried = ", ".join(map(str, folders(source)))
        raise FairshardError(
            f"compiled loops can be kept in none of {tried}: set NUMBA_CACHE_DIR to a folder that "
            "can be written, or run this as who installed fairshard"
        )
    if error := failure():
        raise FairshardError(
            f"compiled loops cannot be kept in {kept}: {reason_of(error)}; make room there, or set "
            "NUMBA_CACHE_DIR to another folder"
        )
    return {
        "compiled": bool(compiled),
        "seconds": round(time.monotonic() - begun, 1),
        "kept": kept and str(kept),
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    said = "the solver's loops are kept already: there is nothing to compile"
    if summary["compiled"]:
        said = (
            f"compiled the solver's loops in {summary['seconds']:.1f} s; kept in {summary['kept']}"
        )
    console.print(said, highlight=False, soft_wrap=True)
