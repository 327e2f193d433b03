"""Progress shard by shard."""

import io

import pytest
from rich.console import Console

from jobs.session.shard_progress import tracked


@pytest.mark.parametrize("terminal", [True, False])
def test_every_result_comes_through_in_order(terminal: bool) -> None:
    said = io.StringIO()
    console = Console(file=said, force_terminal=terminal)
    assert list(tracked(iter("abc"), 3, "reading", console)) == ["a", "b", "c"]
    assert ("reading" in said.getvalue()) == terminal
