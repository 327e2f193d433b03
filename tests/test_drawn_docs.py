"""What the documentation takes from the code is that of the code."""

from types import ModuleType

import pytest

from docs import exporters, registered, rooms
from transforms.baselines.balancers.uniform import uniform
from transforms.config.balancers import BALANCERS, Balancer


@pytest.mark.parametrize("drawn", [rooms, registered, exporters])
def test_what_is_drawn_is_current(drawn: ModuleType) -> None:
    assert drawn.page() == drawn.PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_what_follows_is_not_drawn() -> None:
    graph = {"jobs/a": {"jobs/b", "jobs/c"}, "jobs/b": {"jobs/c"}, "jobs/c": set()}
    assert rooms.reduced(graph) == {"jobs/a": {"jobs/b"}, "jobs/b": {"jobs/c"}, "jobs/c": set()}
    assert "jobs_a --> jobs_b" in rooms.drawn(rooms.reduced(graph))


def test_what_is_registered_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    for fields in ("_entries", "_origins"):
        monkeypatch.setattr(BALANCERS, fields, {**getattr(BALANCERS, fields)})
    BALANCERS.register(Balancer("mine", "as I like it", uniform))
    BALANCERS.register(Balancer("theirs", "as they like it", uniform), "a package")
    page = registered.page()
    assert "| balancer | `mine` | as I like it |\n" in page
    assert "theirs" not in page
