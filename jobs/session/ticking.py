"""What this process is doing and for how long, shown while it does it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console

_TICK_SECONDS = 0.5
QUIET_SECONDS = 2.0
_LINE_SECONDS = 15.0

Tick = Callable[[str], AbstractContextManager[None]]


@contextmanager
def ticking(doing: str, console: Console) -> Iterator[Tick]:
    """Say what is being done in the block, `explaining, 12 s`: on a terminal, in a line that
    changes, from when it takes more than a moment; elsewhere in a line every 15 seconds.

    Yields what gives it another name for a while.
    """
    names, stop = [doing], threading.Event()

    @contextmanager
    def named(other: str) -> Iterator[None]:
        names.append(other)
        try:
            yield
        finally:
            names.remove(other)

    show = _live if console.is_terminal else _lines
    thread = threading.Thread(target=show, args=(names, console, stop), daemon=True)
    thread.start()
    try:
        yield named
    finally:
        stop.set()
        thread.join()


def in_words(doing: str, seconds: float) -> str:
    """`explaining, 12 s`."""
    return f"{doing}, {seconds:,.0f} s"


def _live(names: list[str], console: Console, stop: threading.Event) -> None:
    began = time.monotonic()
    if stop.wait(QUIET_SECONDS):
        return
    with console.status("") as status:
        while not stop.wait(_TICK_SECONDS):
            status.update(in_words(names[-1], time.monotonic() - began))


def _lines(names: list[str], console: Console, stop: threading.Event) -> None:
    began = time.monotonic()
    while not stop.wait(_LINE_SECONDS):
        console.print(in_words(names[-1], time.monotonic() - began), highlight=False)
