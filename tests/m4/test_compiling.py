"""Compiling is told of as long as it takes, once, and not where there is nothing to compile."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numba import njit

from transforms.m4.compiling import told_of_compiling


def test_it_is_told_of_once_for_loops_in_loops() -> None:
    @njit
    def inner(x: float) -> float:
        return x + 1

    @njit
    def outer(values: np.ndarray) -> float:  # type: ignore[type-arg]
        total = 0.0
        for value in values:
            total += inner(value)
        return total

    told: list[str] = []

    @contextmanager
    def during() -> Iterator[None]:
        told.append("begun")
        yield
        told.append("done")

    with told_of_compiling(during):
        assert outer(np.ones(3)) == 6.0
        assert told == ["begun", "done"]
        assert outer(np.ones(4)) == 8.0
    assert outer(np.ones(3, np.float32)) == 6.0
    assert told == ["begun", "done"]
