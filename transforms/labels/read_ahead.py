"""Reading ahead: work on a stream of items in threads, in order, with a bound on what is held."""

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from transforms.base.errors import FairshardError

_GROUP = 16
_GROUPS_HELD = 64

T = TypeVar("T")
R = TypeVar("R")


class Clock:
    """Seconds by step, added up over threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def timed(self, step: str, work: Callable[[], R]) -> R:
        """What `work` returns; the seconds that it takes go to `step`."""
        started = time.perf_counter()
        try:
            return work()
        finally:
            self.add(step, time.perf_counter() - started)

    def add(self, step: str, seconds: float) -> None:
        """Count `seconds` more of `step`."""
        with self._lock:
            self.seconds[step] = self.seconds.get(step, 0.0) + seconds

    def each(self, step: str, items: Iterable[T]) -> Iterator[T]:
        """The items; the seconds spent waiting for each go to `step`."""
        iterator = iter(items)
        end = object()
        while (item := self.timed(step, lambda: next(iterator, end))) is not end:
            yield item  # type: ignore[misc]


class _Allowance:
    """A sum that its takers share; a taker waits until its part fits, or nothing else is taken."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._closed = False
        self._changed = threading.Condition()

    def take(self, part: int) -> bool:
        """Wait for `part`; False once the allowance is closed."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or not self._taken or self._taken + part <= self._limit
            )
            self._taken += part
            return not self._closed

    def give_back(self, part: int) -> None:
        with self._changed:
            self._taken -= part
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()


def in_order(
    items: Iterable[T], work: Callable[[T], R], threads: int, cost: Callable[[T], int], limit: int
) -> Generator[R]:
    """What `work` makes of each item, in the order of the items.

    One thread reads the items, `threads` more do the work, on a few cheap items at a time. Items
    are read ahead while their costs add up to `limit` at most (or it is a single item). An error of
    the items or of the work is raised here. Close the iterator before the source of the items.
    """
    allowance = _Allowance(limit)
    results: SimpleQueue[tuple[Future[list[R]], int] | BaseException | None] = SimpleQueue()

    def done(group: list[T]) -> list[R]:
        return [work(item) for item in group]

    def feed(pool: ThreadPoolExecutor) -> None:
        try:
            for group, part in _groups(items, cost, limit // _GROUPS_HELD):
                if not allowance.take(part):
                    break
                results.put((pool.submit(done, group), part))
            results.put(None)
        except BaseException as error:
            results.put(error)

    with ThreadPoolExecutor(threads) as pool:
        feeder = threading.Thread(target=feed, args=(pool,), daemon=True)
        feeder.start()
        try:
            while (entry := results.get()) is not None:
                if isinstance(entry, BaseException):
                    raise entry
                future, part = entry
                yield from future.result()
                allowance.give_back(part)
        finally:
            allowance.close()
            feeder.join()
            pool.shutdown(cancel_futures=True)


def overlapped(
    items: Iterable[T], work: Callable[[T], R], idle: Callable[[float], None]
) -> Generator[tuple[T, R]]:
    """Each item with what `work` makes of it, in a thread that works on while others are read.

    Two items at most wait for the thread or are in it; `idle` is told the seconds that it waits for
    each. An error of the items or of the work is raised here. Close the iterator before `items`.
    """
    free = time.perf_counter()

    def done(item: T) -> R:
        nonlocal free
        idle(time.perf_counter() - free)
        try:
            return work(item)
        finally:
            free = time.perf_counter()

    with ThreadPoolExecutor(1) as pool:
        before: tuple[T, Future[R]] | None = None
        try:
            for item in items:
                following = item, pool.submit(done, item)
                if before is not None:
                    yield before[0], before[1].result()
                before = following
            if before is not None:
                yield before[0], before[1].result()
        finally:
            pool.shutdown(cancel_futures=True)


def _groups(
    items: Iterable[T], cost: Callable[[T], int], limit: int
) -> Iterator[tuple[list[T], int]]:
    """The items in groups with their costs: up to 16 items that cost up to `limit`, or one."""
    group: list[T] = []
    total = 0
    try:
        for item in items:
            part = cost(item)
            if group and (len(group) == _GROUP or total + part > limit):
                yield group, total
                group, total = [], 0
            group.append(item)
            total += part
    except Exception:
        if group:
            yield group, total
        raise
    if group:
        yield group, total


def salvaged(work: Callable[[list[T]], list[R]], items: list[T]) -> list[R | Exception]:
    """What `work` makes of each item; a failing batch is halved until single items fail.

    Gives an item's exception in its place; a FairshardError, which is of no item, is raised.
    """
    if not items:
        return []
    try:
        return [*work(items)]
    except FairshardError:
        raise
    except Exception as error:
        if len(items) == 1:
            return [error]
    middle = len(items) // 2
    return salvaged(work, items[:middle]) + salvaged(work, items[middle:])
