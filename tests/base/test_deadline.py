"""A search ends before its time is up, by what its steps have taken."""

from transforms.base.deadline import Deadline


def test_no_step_is_begun_that_would_end_late() -> None:
    times = iter([0.0, 1.0, 3.0, 6.0, 7.0])
    enough = Deadline(10.0, lambda: next(times))
    assert [enough() for _ in range(4)] == [False, False, False, True]


def test_without_a_limit_it_is_never_enough_and_with_none_left_at_once() -> None:
    assert not Deadline(None)()
    assert Deadline(0.0, lambda: 5.0)()
