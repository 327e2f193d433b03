"""Artefacts read back: of the form that they were written in, or one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.base.errors import FairshardError


@contextmanager
def well_formed(sentence: str) -> Iterator[None]:
    """Any error in the block but a FairshardError becomes one of `sentence`: for parsing alone."""
    try:
        yield
    except FairshardError:
        raise
    except Exception as error:  # content of any other form makes parsers raise anything
        raise FairshardError(sentence) from error


def finite(values: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The numbers `values` as float64 of `shape`; ValueError or TypeError where they are none."""
    numbers = np.array(values, dtype=np.float64).reshape(shape)
    if not np.isfinite(numbers).all():
        raise ValueError("a number is not finite")
    return numbers
