"""Submission to Spark: the scripts, run for real, and the files that platforms read."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.sdk.service.jobs import JobSettings
from google.cloud.dataproc_v1.types import Batch
from google.protobuf.json_format import ParseDict
from kubeflow_spark_api.models.spark_v1beta2_spark_application import SparkV1beta2SparkApplication
from pyspark.java_gateway import launch_gateway

from pipelines.beam.engine import BeamEngine
from tests.fixtures import tree, write_corpus
from tests.loading import ROOT
from tests.spark_cluster import SPARK, standalone_cluster
from transforms.config.files import read_config
from transforms.shards.finding import find_shards

INFRA = ROOT / "infra" / "spark"
WORKERS_NEED = (
    "annotated-types",
    "braceexpand",
    "fsspec",
    "numpy",
    "pyahocorasick",
    "pyarrow",
    "pydantic",
    "pydantic-core",
    "scipy",
    "typing-extensions",
    "typing-inspection",
    "xxhash",
)


def environment(**changes: str) -> dict[str, str]:
    """This process's, with its tools and Spark's to be found."""
    places = [str(Path(sys.executable).parent), str(SPARK / "bin"), os.environ["PATH"]]
    own = {"PATH": os.pathsep.join(places), "SPARK_HOME": str(SPARK), "PYTHON": sys.executable}
    return {**os.environ, **own, "SPARK_LOCAL_IP": "127.0.0.1", **changes}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment as the script packs it, of fairshard and what workers need for captions."""
    folder = tmp_path_factory.mktemp("environment")
    wheel = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "-w", str(folder)]
    subprocess.run([*wheel, str(ROOT)], check=True)
    path = folder / "environment.tar.gz"
    packages = [str(next(folder.glob("*.whl"))), *WORKERS_NEED]
    subprocess.run(
        [INFRA / "environment.sh", path, "--no-deps", *packages], env=environment(), check=True
    )
    return path


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, samples=200, shards=4)
    values = {
        "input": {"shards": str(folder / "in" / "*.tar")},
        "attributes": {
            "gender": {"names": {"woman": {"target": 0.5, "lexicon": ["woman"]}}},
        },
        "labels": {"thing": {"field": "words", "names": ["doctor", "nurse"]}},
        "balance": {"eta": 0.5},
        "output": {"url": str(folder / "out")},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_workers_run_in_the_environment_that_was_sent(
    archive: Path, config: Path, tmp_path: Path
) -> None:
    """Workers find fairshard in the archive alone: nothing else that they see has it."""
    with standalone_cluster(tmp_path / "cluster", workers=1) as cluster:
        submitted = subprocess.run(
            [
                *(INFRA / "submit.sh", "--conf", "spark.executor.memory=512m", "--"),
                *("rebalance", config, "--output", tmp_path / "out"),
            ],
            env=environment(MASTER=cluster.master, ENVIRONMENT=str(archive)),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert submitted.returncode == 0, submitted.stderr
    read = read_config(config)
    BeamEngine(("--runner=FnApiRunner",)).rebalance(read, find_shards(read.input))
    assert tree(tmp_path / "out") == tree(config.parent / "out")


def test_submitting_no_command_says_how() -> None:
    wrong = subprocess.run(
        [INFRA / "submit.sh", "--conf", "a=b"],
        env=environment(MASTER="local", ENVIRONMENT="none"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 2
    assert "usage: submit.sh" in wrong.stderr


@pytest.mark.parametrize("gpus", [["0"], ["0", "1", "2"]])
def test_spark_reads_the_gpus_that_the_script_finds(tmp_path: Path, gpus: list[str]) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\n" + "".join(f"echo {gpu}\n" for gpu in gpus))
    tool.chmod(0o755)
    said = subprocess.run(
        [INFRA / "gpus.sh"],
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    gateway = launch_gateway()
    try:
        read = gateway.jvm.org.apache.spark.resource.ResourceInformation.parseJson(said)
        assert read.name() == "gpu"
        assert list(read.addresses()) == gpus
    finally:
        gateway.shutdown()


def test_a_machine_without_gpus_fails_its_discovery() -> None:
    found = subprocess.run([INFRA / "gpus.sh"], capture_output=True, text=True, check=False)
    assert found.returncode != 0
    assert found.stdout == ""


def read_yaml(name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((INFRA / name).read_text())
    return values


def test_the_spark_application_is_what_the_operator_reads() -> None:
    """Nothing of it is unknown: the operator's own model gives all of it back."""
    values = read_yaml("sparkapplication.yaml")
    read = SparkV1beta2SparkApplication.from_dict(values)
    assert read is not None
    assert read.to_dict() == values
    assert values["spec"]["sparkVersion"] == version("pyspark")


def test_the_databricks_job_is_what_databricks_reads() -> None:
    values = json.loads((INFRA / "databricks.json").read_text())
    assert JobSettings.from_dict(values).as_dict() == values


def test_the_dataproc_batch_is_what_dataproc_reads() -> None:
    values = json.loads((INFRA / "dataproc.json").read_text())
    batch = Batch.pb(Batch())
    ParseDict(values, batch)
    assert batch.runtime_config.version == "3.0"


@pytest.mark.parametrize("name", ["sparkapplication.yaml", "databricks.json", "dataproc.json"])
def test_every_platform_runs_the_same_command(name: str) -> None:
    text = json.dumps(read_yaml(name))
    assert re.search(r'"rebalance", "[^"]*config\.yaml", "--engine", "spark"', text)
    assert "submit.py" in text
