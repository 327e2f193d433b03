"""Reading ahead: order, the bound on what is held, errors, and the salvage of batches."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.labels.read_ahead import Clock, in_order, overlapped, salvaged


@given(st.lists(st.integers(0, 50)), st.integers(1, 4), st.integers(1, 6000))
def test_results_come_in_the_order_of_the_items(items: list[int], threads: int, limit: int) -> None:
    results = in_order(items, lambda item: item * 2, threads, lambda item: item, limit)
    assert list(results) == [item * 2 for item in items]


@pytest.mark.parametrize("limit", [50, 1400, 20_000])
def test_no_more_is_read_ahead_than_the_limit_allows(limit: int) -> None:
    held = 0
    most = 0
    lock = threading.Lock()

    def started(item: int) -> int:
        nonlocal held, most
        with lock:
            held += 10
            most = max(most, held)
        return item

    for _ in in_order(range(5000), started, 3, lambda _: 10, limit):
        with lock:
            held -= 10
    assert 10 <= most <= limit + 10


def test_an_item_over_the_limit_is_read_alone() -> None:
    assert list(in_order([500, 1, 500], lambda item: item, 2, lambda item: item, 100)) == [
        500,
        1,
        500,
    ]


def test_errors_of_items_and_of_work_are_raised_in_their_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    for limit in (10, 1000):
        results = in_order(items(), lambda item: item, 2, lambda _: 1, limit)
        assert next(results) == 1
        with pytest.raises(OSError, match="the disk is gone"):
            next(results)
    for limit in (10, 1000):
        with pytest.raises(ZeroDivisionError):
            list(in_order([1, 0, 2], lambda item: 1 / item, 2, lambda _: 1, limit))


def test_a_closed_stream_leaves_no_thread() -> None:
    before = threading.active_count()
    results = in_order(iter(int, 1), lambda item: item, 3, lambda _: 1, 10)
    next(results)
    results.close()
    assert threading.active_count() == before


def test_the_clock_adds_up_steps_and_passes_items_on() -> None:
    clock = Clock()
    assert list(clock.each("read", [1, 2])) == [1, 2]
    assert clock.timed("read", lambda: "x") == "x"
    assert list(clock.seconds) == ["read"]
    assert clock.seconds["read"] > 0


@given(st.lists(st.booleans()))
def test_one_bad_item_costs_one_item(bad: list[bool]) -> None:
    def work(items: list[int]) -> list[int]:
        if any(bad[item] for item in items):
            raise RuntimeError(f"bad among {items}")
        return [item * 2 for item in items]

    results = salvaged(work, list(range(len(bad))))
    assert [isinstance(result, RuntimeError) for result in results] == bad
    assert all(
        result == item * 2
        for item, result in enumerate(results)
        if not isinstance(result, Exception)
    )


def test_an_item_is_worked_on_while_the_next_is_read() -> None:
    """Each work waits for the next item: it would for ever, one after the other."""
    read = [threading.Event() for _ in range(6)]
    waited: list[float] = []

    def items() -> Iterator[int]:
        for item in range(5):
            read[item].set()
            yield item
        read[5].set()

    def work(item: int) -> int:
        assert read[item + 1].wait(60)
        return item * item

    with closing(overlapped(items(), work, waited.append)) as results:
        assert list(results) == [(item, item * item) for item in range(5)]
    assert len(waited) == 5
    assert min(waited) >= 0


def test_no_more_than_two_items_wait_for_their_work() -> None:
    taken = done = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(20):
            taken += 1
            assert taken - done <= 3
            yield item

    with closing(overlapped(items(), lambda item: item, lambda _: None)) as results:
        for item, _ in results:
            done = item + 1


def test_errors_of_overlapped_work_are_raised_and_leave_no_thread() -> None:
    before = threading.active_count()
    for bad in range(3):

        def work(item: int, bad: int = bad) -> int:
            if item == bad:
                raise ValueError(f"no {item}")
            return item

        results = overlapped(range(5), work, lambda _: None)
        assert [next(results)[1] for _ in range(bad)] == [*range(bad)]
        with pytest.raises(ValueError, match=f"no {bad}"):
            next(results)
    unfinished = overlapped(range(5), lambda item: item, lambda _: None)
    next(unfinished)
    unfinished.close()
    assert threading.active_count() == before
