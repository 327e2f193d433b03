"""Progress of what is done one by one in this process: shards, or samples."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, track

from transforms.base.counts import counted

T = TypeVar("T")
_LINE_SECONDS = 15.0


def tracked(
    results: Iterable[T], total: int, doing: str, console: Console, unit: str = "shard"
) -> Iterator[T]:
    """The `results`, one a unit, with a bar on a terminal, a line every 15 seconds elsewhere."""
    if console.is_terminal:
        yield from track(results, doing, total, console=console, transient=True)
        return
    said = time.monotonic()
    for done, result in enumerate(results, start=1):
        if time.monotonic() - said >= _LINE_SECONDS:
            said = time.monotonic()
            console.print(f"{doing}: {done:,} of {counted(total, unit)}", highlight=False)
        yield result


@contextmanager
def stepped(
    doing: str, console: Console, unit: str = "shard"
) -> Iterator[Callable[[int, int], None]]:
    """As `tracked`, of what tells itself how many of how many units are done."""
    said = time.monotonic()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=None)

        def step(done: int, total: int) -> None:
            nonlocal said
            progress.update(task, completed=done, total=total)
            if not console.is_terminal and time.monotonic() - said >= _LINE_SECONDS:
                said = time.monotonic()
                console.print(f"{doing}: {done:,} of {counted(total, unit)}", highlight=False)

        yield step
