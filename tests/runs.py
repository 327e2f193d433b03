"""Runs that go on, fail or die, for tests of the commands that look at them."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch.nn.modules.module import register_module_forward_pre_hook

from jobs.session.holders import this_process
from jobs.session.lease import Hold
from tests.labelled import BY_IMAGE, FOX, labelling_config, sample
from tests.tarmaking import make_tar
from transforms.config.sections import Config
from transforms.storage import paths
from transforms.storage.attempts import Attempt
from transforms.storage.documents import to_json
from transforms.storage.files import Storage

SHARDS = 4


def quiet() -> Console:
    """A console that keeps what it is told."""
    return Console(file=io.StringIO(), width=500)


def seen_corpus(folder: Path) -> Config:
    """Four shards of six pictures that the demo model looks at, and where to."""
    folder.mkdir(exist_ok=True)
    for shard in range(SHARDS):
        entries = [entry for n in range(6) for entry in sample(f"{shard}-{n}", jpg=FOX)]
        (folder / f"{shard:05d}.tar").write_bytes(make_tar(entries))
    return labelling_config(folder, BY_IMAGE, gates={"enabled": False})


def ago(seconds: float) -> str:
    """The time so many seconds ago, as runs write it."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


@contextmanager
def during_batch(number: int, act: Callable[[], None]) -> Iterator[None]:
    """Do something while the model looks at the batch of that number; a shard is one batch."""
    seen = iter(range(1000))

    def hook(module: torch.nn.Module, inputs: Any) -> None:
        if type(module).__name__ == "ModifiedResNet" and next(seen) == number:
            act()

    handle = register_module_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def held(storage: Storage, seconds: float = 0.0) -> Iterator[None]:
    """The output is another process's, this one's parent, whose run began so many seconds ago."""
    mine = replace(this_process("r1", "asked", ago(seconds)), pid=os.getppid(), born="")
    hold = Hold(storage, mine)
    assert hold.enter()
    hold.settle()
    try:
        yield
    finally:
        hold.remove()


def begun(
    storage: Storage, stage: str, name: str, seconds: float, error: str | None = None
) -> None:
    """An attempt that began so many seconds ago."""
    started = ago(seconds)
    attempt = Attempt(stage, name, "worker-3", 4711, started, error and started, error)
    storage.publish(paths.attempt(stage, name), to_json(attempt))
