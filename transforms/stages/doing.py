"""What the process that solves is doing: notes on file, for those who show its progress.

Wherever that process is, its notes are in the output as attempts of the stage that solves.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress

from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.storage.attempts import attempting, begin_attempt
from transforms.storage.files import Storage

STAGE = "solve"
DRAWING = "drawing"
IN_WORDS = {"compiling": "compiling once", DRAWING: "drawing", "explaining": "explaining"}


def explaining(storage: Storage) -> AbstractContextManager[None]:
    """In the block, a plan is explained."""
    return attempting(STAGE, "explaining", storage)


def begin_drawing(storage: Storage) -> None:
    """From now on workers draw what will be written."""
    with suppress(FairshardError):  # what cannot be noted is done all the same
        begin_attempt(STAGE, DRAWING, storage)


def end_drawing(storage: Storage) -> None:
    """All is drawn."""
    with suppress(FairshardError):
        storage.delete(paths.attempt(STAGE, DRAWING))


@contextmanager
def solving(storage: Storage) -> Iterator[None]:
    """In the block, a problem is solved: as long as code is compiled for it, that is noted."""
    from transforms.m4.compiling import told_of_compiling

    with told_of_compiling(lambda: _noted("compiling", storage)):
        yield


@contextmanager
def _noted(name: str, storage: Storage) -> Iterator[None]:
    """A note in the block; what cannot be noted is done all the same."""
    with ExitStack() as noted:
        with suppress(FairshardError):
            noted.enter_context(attempting(STAGE, name, storage))
        yield
