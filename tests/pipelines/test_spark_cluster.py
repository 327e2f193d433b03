"""A cluster that loses workers in the middle of a job: the job ends right, with the same bytes."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from jobs.begin.demo.corpus import MODEL
from pipelines.beam.engine import BeamEngine
from tests.fixtures import tree, write_corpus
from tests.loading import ROOT
from tests.spark_cluster import Cluster, end_tree, standalone_cluster, submitted
from transforms.config.files import read_config
from transforms.shards.finding import find_shards

pytestmark = pytest.mark.cluster
SHARDS = 12
LONGEST = 300.0


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    project = ROOT
    command = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "-w", str(folder)]
    subprocess.run([*command, str(project)], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with standalone_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, samples=1200, shards=SHARDS)
    attribute = {"target": 0.5, "prompts": ["a fox"]}
    values = {
        "input": {"shards": str(folder / "in" / "*.tar")},
        "model": {"name": f"local-dir:{MODEL}", "batch_size": 16},
        "similarity": True,
        "attributes": {
            "kind": {
                "zero_shot": {"none_of_these": ["an owl"]},
                "names": {"fox": {**attribute, "lexicon": ["woman"]}},
            }
        },
        "labels": {"thing": {"field": "words", "names": ["doctor", "nurse"]}},
        "balance": {"eta": 0.5, "max_representation_bias": 0.3},
        "output": {"url": "out", "samples_per_shard": 6},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    return folder


@pytest.fixture(scope="module")
def expected(corpus: Path) -> dict[str, bytes]:
    config = read_config(corpus / "config.yaml")
    BeamEngine(("--runner=FnApiRunner",)).rebalance(config, find_shards(config.input))
    return tree(corpus / "out")


def run_and_harm(
    cluster: Cluster,
    wheel: Path,
    corpus: Path,
    output: Path,
    began: str,
    harm: Callable[[], None],
    conf: dict[str, str],
) -> str:
    """Submit a rebalance; `harm` once the first file of the folder `began` is there."""
    arguments = ["rebalance", str(corpus / "config.yaml"), "--output", str(output)]
    log = output.with_name("log.txt")
    job = submitted(cluster, wheel, [*arguments, "--engine", "spark"], conf, log)
    harmed = False
    deadline = time.monotonic() + LONGEST
    while job.poll() is None:
        if time.monotonic() > deadline:
            end_tree(job.pid)
        if not harmed and any((output / began).glob("*.json")):
            harm()
            harmed = True
        try:
            job.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
    said = log.read_text()
    assert harmed, said
    assert job.returncode == 0, said
    return said


def hidden(output: Path) -> list[Path]:
    return list(output.rglob(".*.tmp"))


@pytest.mark.parametrize("began", ["done/labels", "done/shards"])
def test_an_executor_that_is_killed_costs_nothing(
    cluster: Cluster,
    wheel: Path,
    corpus: Path,
    expected: dict[str, bytes],
    tmp_path: Path,
    began: str,
) -> None:
    killed: list[int] = []

    def kill() -> None:
        victim = cluster.executors()[0]
        killed.append(victim.pid)
        victim.kill()

    run_and_harm(cluster, wheel, corpus, tmp_path / "out", began, kill, {})
    assert killed
    assert tree(tmp_path / "out") == expected
    assert hidden(tmp_path / "out") == []


def test_a_python_worker_that_is_killed_costs_nothing(
    cluster: Cluster, wheel: Path, corpus: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    def kill() -> None:
        cluster.python_workers()[0].kill()

    run_and_harm(cluster, wheel, corpus, tmp_path / "out", "done/labels", kill, {})
    assert tree(tmp_path / "out") == expected
    assert hidden(tmp_path / "out") == []


def test_a_task_that_stands_still_is_overtaken_by_a_second_attempt(
    cluster: Cluster, wheel: Path, corpus: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    stopped: list[psutil.Process] = []

    def stop() -> None:
        stopped.append(cluster.python_workers()[0])
        stopped[0].suspend()

    speculation = {
        "spark.speculation": "true",
        "spark.speculation.interval": "100ms",
        "spark.speculation.multiplier": "1.5",
        "spark.speculation.quantile": "0.5",
        "spark.speculation.minTaskRuntime": "200ms",
    }
    run_and_harm(cluster, wheel, corpus, tmp_path / "out", "done/labels", stop, speculation)
    assert stopped
    assert tree(tmp_path / "out") == expected
    assert hidden(tmp_path / "out") == []


def test_a_task_gets_the_gpu_that_spark_gave_it(wheel: Path, corpus: Path, tmp_path: Path) -> None:
    """There is no GPU here, so that the labeller's own error says which one it was given."""
    discovery = tmp_path / "gpus.sh"
    discovery.write_text('#!/bin/sh\necho \'{"name": "gpu", "addresses": ["7"]}\'\n')
    discovery.chmod(0o755)
    resource = {
        "spark.worker.resource.gpu.amount": "1",
        "spark.worker.resource.gpu.discoveryScript": str(discovery),
    }
    values = yaml.safe_load((corpus / "config.yaml").read_text())
    values["model"]["device"] = "cuda"
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(values))
    arguments, log = ["label", str(config), "--engine", "spark"], tmp_path / "log.txt"
    with standalone_cluster(tmp_path / "cluster", 1, resource) as with_gpu:
        one_each = {"spark.executor.resource.gpu.amount": "1"}
        job = submitted(with_gpu, wheel, arguments, one_each, log)
        job.wait(LONGEST)
    said = log.read_text()
    assert job.returncode == 1, said
    assert "fairshard: model.device is cuda:7 but this machine has no CUDA device" in said
