"""A process in which a pipeline runs, or has run, is forked in peace: by loaders, above all."""

import os
import threading
from pathlib import Path

import apache_beam as beam
import pytest

from pipelines.beam.engine import BeamEngine


def until(number: int, end: str) -> int:
    """The number, once a file is there."""
    while not Path(end).exists():
        os.sched_yield()
    return number


def run_until(end: Path) -> None:
    """Run a pipeline whose workers are busy until a file is there."""
    with BeamEngine(["--direct_num_workers=1"]).pipeline() as pipeline:
        _ = pipeline | beam.Create([1]) | beam.Map(until, str(end))


def status_of_a_fork() -> int:
    """How a process ends that is forked off this one and does nothing."""
    pid = os.fork()
    if not pid:
        os._exit(0)
    return os.waitpid(pid, 0)[1]


@pytest.mark.usefixtures("tests_in_workers")
def test_forks_leave_the_workers_connections_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    end = tmp_path / "end"
    running = threading.Thread(target=run_until, args=[end])
    running.start()
    statuses = [status_of_a_fork() for _ in range(30)]
    end.touch()
    running.join()
    assert not any(statuses)
    assert "fork" not in capfd.readouterr().err
