"""Beam's local workers: one that dies ends the run in a sentence, and none outlives the run."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
import yaml

from pipelines.worker_watch import WORKER, WorkersWatched
from tests.fixtures import write_corpus
from transforms.errors import FairshardError

REPOSITORY = Path(__file__).parents[1]
LIMIT = 60.0


@pytest.fixture
def run(tmp_path: Path) -> "subprocess.Popen[str]":
    write_corpus(tmp_path, samples=3000, shards=30)
    config = {
        "input": {"shards": str(tmp_path / "in" / "*.tar")},
        "attributes": {
            "gender": {
                "names": {
                    "woman": {"target": 0.5, "lexicon": ["woman"]},
                    "man": {"target": 0.5, "lexicon": ["man"]},
                }
            }
        },
        "labels": {"thing": {"names": {"tie": {"lexicon": ["tie"]}}}},
        "balance": {"eta": 0.5},
        "output": {"url": str(tmp_path / "out")},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.cli", "rebalance", str(tmp_path / "config.yaml")],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def workers_of(run: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The first local workers that the run starts."""
    while run.poll() is None:
        found = [
            child
            for child in psutil.Process(run.pid).children()
            if "pipelines.local_worker" in child.cmdline()
        ]
        if found:
            return found
    raise AssertionError(run.communicate())


def test_the_death_of_a_worker_ends_the_run_in_a_sentence(run: "subprocess.Popen[str]") -> None:
    workers_of(run)[0].kill()
    said = run.communicate()[1]
    assert run.returncode == 1
    assert "a worker process of the run has died" in said
    assert "Traceback" not in said


def test_a_worker_that_starts_after_the_death_of_another_ends_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)

    def die() -> None:
        raise RuntimeError("worker subprocess exited with return code -9")

    words = [sys.executable, "-c", "import time; time.sleep(600)", WORKER]
    workers, ended = [subprocess.Popen(words)], []
    with (
        pytest.raises(FairshardError, match=r"has died \(return code -9\), as"),
        WorkersWatched(),
    ):
        try:
            threading.Thread(target=die, name="run_worker").start()
            threading.Event().wait(LIMIT)
        except KeyboardInterrupt:
            ended.append(workers[0].wait(LIMIT))
            workers.append(subprocess.Popen(words))
            ended.append(workers[1].wait(LIMIT))
            raise
    assert ended == [-signal.SIGKILL, -signal.SIGKILL]


def test_workers_do_not_outlive_a_killed_run(run: "subprocess.Popen[str]") -> None:
    workers = workers_of(run)
    run.kill()
    run.communicate()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []
