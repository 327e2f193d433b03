"""Time that is given to a search, of which no more is taken."""

import time
from collections.abc import Callable


class Deadline:
    """Says that it is enough when the next step, if it took as long as the longest, would end late.

    It is called before each step; without `seconds` it is never enough.
    """

    def __init__(self, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._before = clock()
        self._end = None if seconds is None else self._before + seconds
        self._longest = 0.0

    def __call__(self) -> bool:
        """Whether it is enough."""
        now = self._clock()
        self._longest = max(self._longest, now - self._before)
        self._before = now
        return self._end is not None and now + self._longest >= self._end
