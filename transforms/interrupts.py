"""Interrupting the main thread from another one."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interruption() -> Iterator[Callable[[], None]]:
    """In the block, called from the main thread, a function that raises KeyboardInterrupt there.

    It does not use SIGINT, which shells have commands in the background ignore. Called after the
    block it does nothing.
    """
    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    try:
        yield _interrupt
    finally:
        signal.signal(signal.SIGUSR1, before if callable(before) else signal.SIG_IGN)


def _interrupt() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
