"""Beam's local workers: one that dies ends the run in a sentence, and none outlives the run."""

import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import apache_beam as beam
import psutil
import pytest
import yaml

from pipelines.beam.engine import BeamEngine
from tests.commands import run as command
from tests.fixtures import config_of, write_corpus
from tests.loading import ROOT
from transforms.base.errors import FairshardError
from transforms.shards.finding import find_shards

REPOSITORY = ROOT
PROGRESS = re.compile(r"\w+: \d+ (of \d+ )?shards")
BEGUN = [
    "30 shards are to be labelled: none is yet",
    "the plan is to be made: there is none yet",
    "the output is to be written: there is none yet",
]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files, of a short path."""
    folder = Path(tempfile.mkdtemp(prefix="t-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def run(tmp_path: Path, temporary: Path) -> "subprocess.Popen[str]":
    """A run of the command, as a shell starts one."""
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
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def workers_of(run: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The first local workers that the run starts."""
    while run.poll() is None:
        found = [
            child
            for child in psutil.Process(run.pid).children()
            if "pipelines.beam.local_worker" in child.cmdline()
        ]
        if found:
            return found
    raise AssertionError(run.communicate())


def at_work(run: "subprocess.Popen[str]", folder: Path) -> list[psutil.Process]:
    """The run's workers, once one has labelled a shard."""
    while run.poll() is None:
        if list((folder / "out" / "labels").glob("0*.parquet")):
            return workers_of(run)
    raise AssertionError(run.communicate())


def said(run: "subprocess.Popen[str]") -> list[str]:
    """What the run says on standard error until it ends, but for its progress."""
    return [line for line in run.communicate()[1].splitlines() if not PROGRESS.match(line)]


@pytest.mark.parametrize("wait", ["started", "at work"])
def test_the_death_of_a_worker_ends_the_run_in_a_sentence(
    run: "subprocess.Popen[str]", tmp_path: Path, temporary: Path, wait: str
) -> None:
    (workers_of(run) if wait == "started" else at_work(run, tmp_path))[0].kill()
    lines = said(run)
    assert run.returncode == 1
    assert lines[:-1] == BEGUN
    assert "a worker process of the run has died (SIGKILL), as when memory runs out" in lines[-1]
    assert list(temporary.glob("fairshard-beam-*")) == []


@pytest.mark.parametrize("wait", ["started", "at work"])
def test_control_c_ends_the_run_in_a_sentence(
    run: "subprocess.Popen[str]", tmp_path: Path, temporary: Path, wait: str
) -> None:
    workers = workers_of(run) if wait == "started" else at_work(run, tmp_path)
    os.killpg(run.pid, signal.SIGINT)
    lines = said(run)
    assert run.returncode == 130
    assert lines == [*BEGUN, "fairshard: interrupted; run the same command again to go on"]
    assert list(temporary.glob("fairshard-beam-*")) == []
    assert psutil.wait_procs(workers, timeout=60)[1] == []


def test_workers_that_die_as_they_start_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(tmp_path, samples=20, shards=2)
    config = config_of(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "grpc.py").write_text("raise ImportError('libgrpc.so is not there')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    with pytest.raises(
        FairshardError,
        match=r"died \(exit code 1\), and .*ImportError: libgrpc.so is not there",
    ) as ended:
        BeamEngine(["--direct_num_workers=2"]).label(config, find_shards(config.input))
    assert "memory" not in str(ended.value)


def test_workers_and_their_sockets_do_not_outlive_a_killed_run(
    run: "subprocess.Popen[str]", temporary: Path
) -> None:
    workers = workers_of(run)
    run.kill()
    run.communicate()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []
    assert list(temporary.iterdir()) == []


@cache
def _interrupt_at_the_end(engine: int) -> None:
    """Have this worker's end be the moment of the engine's Control-C."""
    atexit.register(os.kill, engine, signal.SIGINT)


@pytest.mark.usefixtures("tests_in_workers")
def test_control_c_while_workers_end_ends_the_others_too(temporary: Path) -> None:
    def at_work(number: int, engine: int) -> int:
        _interrupt_at_the_end(engine)
        return number

    before = psutil.Process().children()
    with (
        pytest.raises(KeyboardInterrupt),
        BeamEngine(["--direct_num_workers=2"]).pipeline() as pipeline,
    ):
        numbers = pipeline | beam.Create(range(8)) | beam.Reshuffle()
        _ = numbers | beam.Map(at_work, os.getpid())
    _, alive = psutil.wait_procs(set(psutil.Process().children()) - set(before), timeout=10)
    assert alive == []


def test_control_c_before_the_command_is_loaded_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(
        [sys.executable, "-m", "jobs.entry", "init"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "")


def test_a_process_without_room_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(*given: object) -> None:
        raise RuntimeError("can't start new thread")

    write_corpus(tmp_path, samples=20, shards=1)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config_of(tmp_path).model_dump()))
    monkeypatch.setattr(threading, "_start_new_thread", start)
    assert command("label", tmp_path / "config.yaml") == 1
    said = capsys.readouterr().err
    assert "no more memory or threads" in said
    assert "Traceback" not in said
