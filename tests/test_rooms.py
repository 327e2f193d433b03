"""The picture of the rooms is that of the code."""

from docs.rooms import PAGE, drawn, page, reduced


def test_the_picture_is_current() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "run `make rooms`"


def test_what_follows_is_not_drawn() -> None:
    graph = {"jobs/a": {"jobs/b", "jobs/c"}, "jobs/b": {"jobs/c"}, "jobs/c": set()}
    assert reduced(graph) == {"jobs/a": {"jobs/b"}, "jobs/b": {"jobs/c"}, "jobs/c": set()}
    assert "jobs_a --> jobs_b" in drawn(reduced(graph))
