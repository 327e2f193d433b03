"""The Flex Template: its description, its launcher, and the job that Dataflow would be given."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from apache_beam.portability.api import beam_runner_api_pb2
from google.cloud.dataflow_v1beta3.types import ParameterType, TemplateMetadata
from google.cloud.devtools.cloudbuild_v1.types import Build
from google.protobuf.json_format import ParseDict

from jobs.cli import application
from tests.dataflow_jobs import OPTIONS, DataflowRunner, environment_of
from tests.fixtures import tree, write_corpus
from tests.loading import ROOT

INFRA = ROOT / "infra" / "dataflow"
METADATA: dict[str, Any] = json.loads((INFRA / "metadata.json").read_text())
PARAMETERS = {parameter["name"]: parameter for parameter in METADATA["parameters"]}
IMAGE = "europe-west4-docker.pkg.dev/some-project/images/fairshard:1.0"
GPU = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver"
GROUP_BY_KEY = "beam:transform:group_by_key:v1"
LAUNCH = {
    "PROJECT": "some-project",
    "REGION": "europe-west4",
    "IMAGE": IMAGE,
    "TEMPLATE": "gs://some-bucket/templates/fairshard.json",
    "BUCKET": "gs://some-bucket",
    "CONFIG": "gs://some-bucket/config.yaml",
    "OUTPUT": "gs://some-bucket/rebalanced",
}


@pytest.fixture(scope="module")
def launcher() -> ModuleType:
    spec = importlib.util.spec_from_file_location("launcher", INFRA / "main.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, samples=200, shards=4)
    values = {
        "input": {"shards": "in/*.tar"},
        "attributes": {
            "gender": {"names": {"woman": {"target": 0.5, "lexicon": ["woman"]}}},
        },
        "labels": {"thing": {"field": "words", "names": ["doctor", "nurse"]}},
        "balance": {"eta": 0.5},
        "output": {"url": "out"},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture(scope="module")
def rebalanced(config: Path) -> dict[str, bytes]:
    arguments = ["rebalance", str(config), "--", "--runner=FnApiRunner"]
    with pytest.raises(SystemExit) as ended:
        application()(arguments)
    assert ended.value.code in (0, None)
    return tree(config.parent / "out")


@pytest.fixture
def gcloud(tmp_path: Path) -> Iterator[Path]:
    """A folder with a `gcloud` that writes what it is asked for, a line an argument."""
    tool = tmp_path / "bin" / "gcloud"
    tool.parent.mkdir()
    tool.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/asked\necho >> {tmp_path}/asked\n'
    )
    tool.chmod(0o755)
    yield tmp_path


def asked(script: str, folder: Path, **settings: str) -> list[list[str]]:
    """The arguments of each call of gcloud by `script`."""
    path = f"{folder}/bin{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **LAUNCH, **settings, "PATH": path}
    subprocess.run([INFRA / script], env=environment, check=True)
    return [call.splitlines() for call in (folder / "asked").read_text().split("\n\n") if call]


def option(arguments: list[str], name: str) -> str | None:
    return next((a.partition("=")[2] for a in arguments if a.startswith(f"--{name}=")), None)


def check_against_metadata(given: dict[str, str]) -> None:
    """What the service checks before it launches."""
    assert given.keys() <= PARAMETERS.keys()
    assert {n for n, p in PARAMETERS.items() if not p.get("isOptional")} <= given.keys()
    for name, value in given.items():
        for regex in PARAMETERS[name].get("regexes", []):
            assert re.search(regex, value), (name, value)
        allowed = [choice["value"] for choice in PARAMETERS[name].get("enumOptions", [])]
        assert not allowed or value in allowed


def submitted(launcher: ModuleType, *arguments: str) -> Any:
    before = len(DataflowRunner.jobs)
    launcher.main([*arguments, *OPTIONS])
    (job,) = DataflowRunner.jobs[before:]
    return job


def test_the_metadata_is_what_the_service_reads() -> None:
    metadata = TemplateMetadata.pb(TemplateMetadata())
    ParseDict(METADATA, metadata)
    read = TemplateMetadata.wrap(metadata)
    assert [parameter.name for parameter in read.parameters] == list(PARAMETERS)
    assert all(parameter.label and parameter.help_text for parameter in read.parameters)
    assert read.parameters[2].param_type == ParameterType.ENUM


def test_the_stages_of_the_metadata_are_the_launchers(launcher: ModuleType) -> None:
    choices = tuple(choice["value"] for choice in PARAMETERS["stage"]["enumOptions"])
    assert choices == launcher.STAGES
    assert PARAMETERS["stage"]["defaultValue"] == choices[0]


@pytest.mark.parametrize("gpu", ["", "nvidia-l4"])
def test_a_launch_gives_what_the_metadata_allows(gcloud: Path, gpu: str) -> None:
    (arguments,) = asked("launch.sh", gcloud, GPU=gpu)
    assert arguments[:3] == ["dataflow", "flex-template", "run"]
    parameters = option(arguments, "parameters")
    assert parameters is not None
    given = dict(pair.split("=", 1) for pair in parameters.split(","))
    check_against_metadata(given)
    assert given["sdk_container_image"] == IMAGE
    assert given.get("dataflow_service_options") == (GPU if gpu else None)
    experiment = option(arguments, "additional-experiments")
    assert experiment == ("no_use_multiple_sdk_containers" if gpu else None)
    machine = option(arguments, "worker-machine-type")
    assert machine == ("g2-standard-8" if gpu else "n2-standard-8")


def test_a_build_is_what_cloud_build_reads(gcloud: Path) -> None:
    first, second = asked("build.sh", gcloud)
    assert first[:2] == ["builds", "submit"]
    assert second[:4] == ["dataflow", "flex-template", "build", LAUNCH["TEMPLATE"]]
    build = Build.pb(Build())
    values = yaml.safe_load((INFRA / "cloudbuild.yaml").read_text())
    ParseDict(values, build)
    given = option(first, "substitutions")
    assert given is not None
    assert {pair.split("=")[0] for pair in given.split(",")} == values["substitutions"].keys()
    files = [
        argument.removeprefix("--file=")
        for step in build.steps
        for argument in step.args
        if argument.startswith("--file=")
    ]
    assert files == ["infra/docker/Dockerfile", "infra/dataflow/Dockerfile"]
    assert all((INFRA.parents[1] / name).is_file() for name in files)


def test_the_launcher_on_a_local_runner_writes_the_cli_s_bytes(
    config: Path, rebalanced: dict[str, bytes], tmp_path: Path
) -> None:
    command = [sys.executable, str(INFRA / "main.py"), f"--config={config}"]
    subprocess.run(
        [*command, f"--output={tmp_path / 'out'}", "--runner=FnApiRunner"],
        check=True,
        env={**os.environ, "PYTHONPATH": str(INFRA.parents[1])},
    )
    assert tree(tmp_path / "out") == rebalanced


def test_the_launcher_s_stages_one_by_one_write_the_same(
    launcher: ModuleType, config: Path, rebalanced: dict[str, bytes], tmp_path: Path
) -> None:
    for stage in ("label", "solve", "resample"):
        launcher.main(
            [
                f"--config={config}",
                f"--output={tmp_path / 'out'}",
                f"--stage={stage}",
                "--runner=FnApiRunner",
            ]
        )
    assert tree(tmp_path / "out") == rebalanced


def test_a_mistake_ends_the_launcher_with_one_sentence(
    launcher: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "config.yaml"
    wrong.write_text("balance: {etta: 1}\n")
    with pytest.raises(SystemExit) as ended:
        launcher.main([f"--config={wrong}", *OPTIONS])
    assert ended.value.code == 2
    assert "balance.etta: unknown key" in capsys.readouterr().err


def test_a_configuration_at_a_url_holds_no_relative_path(
    launcher: ModuleType, config: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as ended:
        launcher.main([f"--config=file://{config}", f"--output={tmp_path}", *OPTIONS])
    assert ended.value.code == 2
    assert "has relative paths" in capsys.readouterr().err
    whole = tmp_path / "config.yaml"
    whole.write_text(config.read_text().replace("in/*", f"{config.parent}/in/*"))
    assert submitted(launcher, f"--config=file://{whole}", f"--output={tmp_path}").proto


def test_dataflow_is_asked_for_gpus_threads_and_one_process_a_worker(
    launcher: ModuleType, config: Path, tmp_path: Path
) -> None:
    job = submitted(
        launcher,
        f"--config={config}",
        f"--output={tmp_path}",
        f"--sdk_container_image={IMAGE}",
        f"--dataflow_service_options={GPU}",
        "--number_of_worker_harness_threads=4",
        "--experiments=no_use_multiple_sdk_containers",
        "--max_num_workers=100",
        "--machine_type=g2-standard-8",
    )
    environment = environment_of(job)
    (pool,) = environment.worker_pools
    assert pool.worker_harness_container_image == IMAGE
    assert pool.num_threads_per_worker == 4
    assert pool.machine_type == "g2-standard-8"
    assert pool.autoscaling_settings.max_num_workers == 100
    assert list(environment.service_options) == [GPU]
    assert "no_use_multiple_sdk_containers" in environment.experiments


def test_a_stage_spreads_descriptors_once_and_gathers_tables_once(
    launcher: ModuleType, config: Path, tmp_path: Path
) -> None:
    job = submitted(launcher, f"--config={config}", f"--output={tmp_path}")
    assert boundaries(job.proto_pipeline, "LabelShards") == {"Reshuffle": 1, "GroupByKey": 1}
    rounds = boundaries(job.proto_pipeline, "SolvePlan")
    assert rounds
    assert all(re.fullmatch(r"Round\d+", name) and count == 1 for name, count in rounds.items())
    resampling = boundaries(job.proto_pipeline, "ResampleShards")
    assert resampling == {"ToList": 1, "Reshuffle": 1, "CombineGlobally(_MergeGathered)": 1}


def boundaries(pipeline: beam_runner_api_pb2.Pipeline, stage: str) -> dict[str, int]:
    """Where a stage's elements change worker: the transforms, by name, that group by a key."""
    return Counter(
        transform.unique_name.split("/")[1]
        for transform in pipeline.components.transforms.values()
        if transform.spec.urn == GROUP_BY_KEY and transform.unique_name.split("/")[0] == stage
    )
