"""Whole runs in processes of their own, which can be stopped or killed at a named place.

The places are armed from outside: what is run is the command itself.
"""

import fnmatch
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from transforms.storage.files import Storage

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "jobs.cli",
        "jobs.run.commands",
        "jobs.look.commands",
        "pipelines.beam.engine",
        "transforms.plan.make",
        "transforms.outcome.artefacts",
    ]
)


@dataclass(frozen=True)
class Place:
    """The `nth` time that a run comes to a place.

    moment: "before" the file `what` is written; when it is "written" but not published; or the
    "call" of a function, whose `what` is module:name. A file's name may be a pattern.
    """

    moment: Literal["before", "written", "call"]
    what: str
    nth: int = 1


@dataclass
class Run:
    """A run in a process; `log` is what it said."""

    process: BaseProcess
    log: Path

    def end(self) -> int:
        """Wait for its end; the exit code, or the negative number of the signal that ended it."""
        self.process.join(120)
        assert self.process.exitcode is not None, self.log.read_text()
        return self.process.exitcode


def start(
    log: Path,
    *arguments: object,
    place: Place | None = None,
    then: Callable[[], None] | None = None,
    options: Sequence[str] = ("--", "--runner=FnApiRunner"),
) -> Run:
    """Start `fairshard` with `arguments`; at `place` it calls `then`, by default its own death."""
    words = [*map(str, arguments), *options]
    process = PROCESSES.Process(target=_fairshard, args=(words, log, place, then or die))
    process.start()
    return Run(process, log)


def die() -> None:
    """What no process survives."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Waiting:
    """Says that a place is reached, and waits to go on; shared by two processes."""

    reached: Any
    go_on: Any

    def __call__(self) -> None:
        self.reached.set()
        assert self.go_on.wait(120)


@contextmanager
def held(log: Path, *arguments: object, place: Place) -> Iterator[Run]:
    """A run that waits at `place` during the block, and goes on after it."""
    waiting = Waiting(PROCESSES.Event(), PROCESSES.Event())
    run = start(log, *arguments, place=place, then=waiting)
    assert waiting.reached.wait(120), log.read_text()
    try:
        yield run
    finally:
        waiting.go_on.set()


def _fairshard(words: list[str], log: Path, place: Place | None, then: Callable[[], None]) -> None:
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    if place is not None:
        _arm(place, then)
    from jobs.cli import main

    main(words)


def _arm(place: Place, then: Callable[[], None]) -> None:
    left = [place.nth]

    def at(found: bool) -> None:
        left[0] -= found
        if found and not left[0]:
            then()

    def hooked(owner: Any, name: str, here: Callable[..., bool]) -> None:
        inner = getattr(owner, name)

        def outer(*given: Any, **named: Any) -> Any:
            at(here(*given))
            return inner(*given, **named)

        setattr(owner, name, outer)

    if place.moment == "call":
        module, _, name = place.what.partition(":")
        hooked(import_module(module), name, lambda *_: True)
    elif place.moment == "written":
        hooked(os, "replace", lambda _, final: fnmatch.fnmatch(final, f"*/{place.what}"))
    else:
        for name in ("publish", "publishing"):
            hooked(Storage, name, lambda _, artefact, *__: fnmatch.fnmatch(artefact, place.what))
