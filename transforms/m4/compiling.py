"""Telling when the solver's loops are compiled, which is once a machine: numba keeps them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from numba.core import event

_COMPILE = "numba:compile"


class _Listener(event.Listener):
    """Enters a context when compiling begins, and leaves it at its end; loops in loops are one."""

    def __init__(self, during: Callable[[], AbstractContextManager[None]]) -> None:
        self._during = during
        self._depth = 0
        self._entered = ExitStack()

    def on_start(self, event: Any) -> None:
        """A loop is being compiled."""
        if self._depth == 0:
            self._entered.enter_context(self._during())
        self._depth += 1

    def on_end(self, event: Any) -> None:
        """It is compiled."""
        self._depth -= 1
        if self._depth == 0:
            self._entered.close()


@contextmanager
def told_of_compiling(during: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """In the block, as long as anything is compiled, a context that `during` gives is entered."""
    with event.install_listener(_COMPILE, _Listener(during)):
        yield
