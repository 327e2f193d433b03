"""Spark's processes killed: none outlives a run, none costs more than it must, nothing is lost."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.chaos.commands import ROOT, Command, kill
from pipelines.beam.engine import BeamEngine
from pipelines.spark.context import settings_of
from tests.fixtures import config_of, tree, write_corpus
from tests.spark_cut_short import WENT_ON
from transforms.config.sections import Config
from transforms.shards.finding import find_shards

LIMIT = 120.0
JAVA_DIED = "fairshard: Spark's Java process has died"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    write_corpus(tmp_path, samples=60, shards=4)
    return config_of(tmp_path, gates={"enabled": False})


def start(config: Config, log: Path, *options: str) -> Command:
    written = log.with_suffix(".json")
    written.write_text(json.dumps(config.model_dump(mode="json")))
    words = [
        "rebalance",
        written,
        "--allow-unmet",
        "--engine=spark",
        "--",
        "--master=local[2]",
        *options,
    ]
    return Command(words, log, [], {}, [])


def java(command: Command) -> list[int]:
    found = command.processes().items()
    return [process for process, line in found if "org.apache.spark.deploy.SparkSubmit" in line]


def python_workers(command: Command) -> list[int]:
    """The daemon's children: all are in a process group that bears its number."""
    processes = command.processes()
    found = [process for process, line in processes.items() if "pyspark.daemon" in line]
    return [process for process in found if os.getpgid(process) in {*found} - {process}]


def once(found: Callable[[Command], list[int]], command: Command) -> int:
    """The first process that is found, once there is one."""
    while not (processes := found(command)):
        assert command.sleep(0.0), command.end(0).said
    return processes[0]


def expected(config: Config, folder: Path) -> dict[str, bytes]:
    there = config.model_copy(
        update={"output": config.output.model_copy(update={"url": str(folder)})}
    )
    BeamEngine(["--runner=FnApiRunner"]).rebalance(there, find_shards(config.input))
    return tree(folder)


def test_a_run_comes_through_the_death_of_its_processes(config: Config, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    there = f"--conf=spark.local.dir={scratch}"
    ended_driver = start(config, tmp_path / "driver.log", there)
    once(python_workers, ended_driver)
    kill(ended_driver.driver)
    ended_driver.end(LIMIT)
    assert ended_driver.left(LIMIT / 2) == 0

    ended_java = start(config, tmp_path / "java.log", there)
    once(python_workers, ended_java)
    kill(once(java, ended_java))
    ended = ended_java.end(LIMIT)
    assert ended.code == 1
    assert ended.said.splitlines()[-1].startswith(JAVA_DIED)
    assert ended.clear, ended.said
    assert ended_java.left(LIMIT / 2) == 0
    assert list(scratch.iterdir()) == []

    ended_worker = start(config, tmp_path / "worker.log")
    kill(once(python_workers, ended_worker))
    ended = ended_worker.end(LIMIT)
    assert ended.code == 0, ended.said
    assert ended_worker.left(LIMIT / 2) == 0
    shards = ("labels/", "plan/", "shards/", "manifest.json")
    beam = expected(config, tmp_path / "beam")
    spark = tree(Path(config.output.url))
    assert {name: spark[name] for name in beam if name.startswith(shards)} == {
        name: content for name, content in beam.items() if name.startswith(shards)
    }


def test_java_that_does_not_come_up_is_one_sentence(config: Config, tmp_path: Path) -> None:
    command = start(config, tmp_path / "log")
    kill(once(java, command))
    ended = command.end(LIMIT)
    assert ended.code == 1
    assert "Spark's Java process ended before Spark had started" in ended.said.splitlines()[-1]
    assert ended.clear, ended.said


def test_what_spark_refuses_is_one_sentence(config: Config, tmp_path: Path) -> None:
    ended = start(config, tmp_path / "log", "--master=local[none]").end(LIMIT)
    assert ended.code == 1
    said = "fairshard: Spark ended the job: Could not parse Master URL: 'local[none]'"
    assert ended.said.splitlines()[-1] == said
    assert ended.clear, ended.said


def test_results_that_a_dying_java_cuts_short_are_not_gone_on_with() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.spark_cut_short"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    last = ended.stderr.splitlines()[-1]
    assert WENT_ON not in last
    assert last.startswith(JAVA_DIED.removeprefix("fairshard: ")), ended.stderr


@pytest.mark.parametrize(
    ("arguments", "master"),
    [
        ([], "local[*,4]"),
        (["--master=local"], "local[1,4]"),
        (["--conf=spark.master=local[3]"], "local[3,4]"),
        (["--master=local[3]", "--conf=spark.task.maxFailures=2"], "local[3,2]"),
        (["--master=local[3,1]"], "local[3,1]"),
        (["--master=spark://host:7077"], "spark://host:7077"),
    ],
)
def test_a_local_task_is_tried_as_often_as_on_a_cluster(arguments: list[str], master: str) -> None:
    assert settings_of(arguments)["spark.master"] == master
