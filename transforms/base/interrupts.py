"""Interrupting the main thread from another one."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interruption() -> Iterator[Callable[[], None]]:
    """In the block, a function that raises KeyboardInterrupt in the main thread, which runs it.

    It does not use SIGINT, which shells have commands in the background ignore. Called after the
    block it does nothing, nor where another thread runs the block: that cannot be interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield _nothing
        return
    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    try:
        yield _interrupt
    finally:
        signal.signal(signal.SIGUSR1, before if callable(before) else signal.SIG_IGN)


def _interrupt() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


def _nothing() -> None:
    return
