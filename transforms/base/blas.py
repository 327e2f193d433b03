"""How many threads linear algebra takes."""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Linear algebra on one thread: results must not depend on how many cores are free.

    And threads that wait for each other cost more than they give on vectors of our sizes.
    """
    limited: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limited


@cache
def _libraries() -> ThreadpoolController:
    """Numpy's and scipy's: to look for them takes longer than to solve a small problem."""
    import scipy.linalg  # noqa: F401  loads its library, which is not numpy's

    return ThreadpoolController()
