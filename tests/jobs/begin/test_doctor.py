"""What a machine lacks, and the command that mends it."""

import json
import pickle
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from fsspec.registry import _registry
from packaging.requirements import Requirement

from jobs.begin import doctor
from jobs.begin.diagnosis.devices import check_gpu, check_java
from jobs.begin.diagnosis.finding import Finding
from jobs.begin.diagnosis.machine import available_memory, check_clock, check_disk, check_memory
from jobs.begin.diagnosis.model import check_model
from jobs.begin.diagnosis.packages import check_package, check_packages, check_python
from jobs.begin.diagnosis.storages import check_input, check_output, check_room
from tests.commands import run
from tests.fixtures import config_of, write_corpus
from transforms.config.sections import Config, Model, OutputConfig
from transforms.shards.finding import find_shards

MODEL = Path(doctor.__file__).parent / "demo" / "model"


def program(folder: Path, name: str, text: str) -> Path:
    """A program in `folder` that prints `text` on standard error."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{text}\nEND\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Config:
    write_corpus(tmp_path, samples=30, shards=2)
    return config_of(tmp_path)


def to(config: Config, url: object) -> Config:
    return config.model_copy(update={"output": OutputConfig(url=str(url))})


def test_this_python_and_its_packages_are_as_asked_for() -> None:
    assert check_python().status == "ok"
    assert [finding.status for finding in check_packages(("spark",))] == ["ok"]


@pytest.mark.parametrize("wanted", ["numpy>=99", "no-such-package-at-all"])
def test_a_package_that_is_absent_or_old_is_named_with_its_command(wanted: str) -> None:
    found = check_package(Requirement(wanted))
    assert found is not None
    assert found.status == "missing"
    assert found.mend == f"{sys.executable} -m pip install '{wanted}'"
    assert check_package(Requirement(f"numpy>={version('numpy')}")) is None


def test_memory_is_counted_in_workers() -> None:
    assert check_memory(64 * 2**30, 8).status == "ok"
    found = check_memory(5 * 2**30, 8)
    assert found.status == "warning"
    assert "--direct_num_workers=4" in found.mend
    assert 0 < available_memory() < 2**50


def test_a_disk_is_full_or_not(tmp_path: Path) -> None:
    assert check_disk(tmp_path, 1).status == "ok"
    assert check_disk(tmp_path, 2**60).status == "warning"


def test_a_clock_that_is_before_the_installation_is_wrong() -> None:
    assert check_clock().status == "ok"
    assert check_clock(0.0).mend == "timedatectl set-ntp true"


@pytest.mark.parametrize(
    ("said", "status", "found"),
    [
        ('openjdk version "17.0.12" 2024-07-16', "ok", "17 in"),
        ('java version "1.8.0_292"', "missing", "8 in"),
        ('openjdk version "11.0.2"', "missing", "Spark needs 17 or newer"),
        ("oh no", "missing", "does not say its version"),
    ],
)
def test_java_is_17_or_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, status: str, found: str
) -> None:
    program(tmp_path / "bin", "java", said)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    finding = check_java(needed=True)
    assert finding.status == status
    assert found in finding.found


def test_no_java_matters_where_spark_is_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert check_java(needed=True).status == "missing"
    assert check_java(needed=False).status == "warning"
    assert "openjdk-17" in check_java(needed=True).mend


def test_a_gpu_matters_where_the_configuration_asks_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check_gpu(None).status == check_gpu("auto").status == "ok"
    assert check_gpu("cuda").status == "missing"
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    program(tmp_path, "nvidia-smi", "NVIDIA H100, 590.1")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert check_gpu("auto").status == "warning"
    assert "NVIDIA H100, 590.1, which PyTorch" in check_gpu("cuda:0").found
    assert check_gpu("cuda:0").status == "missing"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert check_gpu("cuda:0").status == "ok"
    assert check_gpu("cuda:1").status == "missing"


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_model_is_known_there_and_data_alone(tmp_path: Path) -> None:
    assert check_model(Model(name=f"local-dir:{MODEL}")).status == "ok"
    assert check_model(Model(name="ViT-B-32", pretrained="openai")).status == "ok"
    harm = tmp_path / "harm"
    checkpoint = tmp_path / "model.pt"
    checkpoint.write_bytes(pickle.dumps(Harmful(harm)))
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes((MODEL / "open_clip_model.safetensors").read_bytes()[:5000])
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "open_clip_config.json").write_text("{}")
    for model, found in [
        (Model(name="ViT-B-33", pretrained="openai"), "open_clip has no model ViT-B-33"),
        (Model(name="ViT-B-32"), "without weights"),
        (Model(name="ViT-B-32", pretrained="nobody"), "neither a file nor weights"),
        (Model(name="ViT-B-32", pretrained=str(checkpoint)), "cannot be loaded as weights"),
        (Model(name="ViT-B-32", pretrained=str(torn)), "cannot be loaded as weights"),
        (Model(name="ViT-B-32", pretrained="file:///no/where.pt"), "cannot be fetched"),
        (Model(name=f"local-dir:{tmp_path}"), "no open_clip_config.json"),
        (Model(name=f"local-dir:{tmp_path / 'empty'}"), "holds no open_clip_model"),
    ]:
        finding = check_model(model)
        assert (finding.status, bool(finding.mend)) == ("missing", True), model
        assert found in finding.found
    assert not harm.exists()


def test_input_shards_are_found_or_not(corpus: Config, tmp_path: Path) -> None:
    finding, shards = check_input(corpus)
    assert (finding.status, len(shards)) == ("ok", 2)
    assert finding.found.startswith("2 shards")
    nowhere = corpus.input.model_copy(update={"shards": (str(tmp_path / "no*.tar"),)})
    finding, shards = check_input(corpus.model_copy(update={"input": nowhere}))
    assert (finding.status, shards) == ("missing", ())


def test_an_output_is_tried_and_left_as_it_was(corpus: Config, tmp_path: Path) -> None:
    assert [finding.status for finding in check_output(corpus)] == ["ok"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]
    assert check_output(to(corpus, "memory://here"))[0].status == "ok"
    (tmp_path / "file").write_text("a file")
    (finding,) = check_output(to(corpus, tmp_path / "file"))
    assert finding.status == "missing"
    assert "output.url" in finding.mend


def test_a_storage_without_its_package_is_named_with_its_command(
    corpus: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    for known in ("s3", "http"):
        monkeypatch.delitem(_registry, known, raising=False)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.http", raising=False)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    (finding,) = check_output(to(corpus, "s3://bucket/out"))
    assert check_room(to(corpus, "s3://bucket/out"), ()) is None
    assert finding == Finding(
        "output",
        "missing",
        "s3:// needs a package that is not installed",
        f"{sys.executable} -m pip install 's3fs'",
    )
    remote = corpus.input.model_copy(update={"shards": ("http://host/0.tar",)})
    finding, _ = check_input(corpus.model_copy(update={"input": remote}))
    assert finding.mend.endswith("pip install 'fsspec[http]'")


def test_a_local_output_has_room_for_what_is_kept(corpus: Config) -> None:
    shards = find_shards(corpus.input)
    finding = check_room(corpus, shards)
    assert finding is not None
    assert finding.status == "ok"
    assert check_room(to(corpus, "memory://here"), shards) is None
    huge = tuple(shard.__class__(shard.name, shard.url, 2**60, "") for shard in shards)
    full = check_room(corpus, huge)
    assert full is not None
    assert full.status == "warning"


def written(config: Config, folder: Path, **more: Any) -> Path:
    values = config.model_dump(mode="json", exclude={"engine"}) | more
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_the_command_says_what_is_missing_and_exits_with_1(
    corpus: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("doctor", written(corpus, tmp_path), "--json") == 0
    checks = {check["check"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    expected = {"python", "packages", "cores and memory", "clock", "input", "output", "disk"}
    assert checks.keys() == expected
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert run("doctor", written(corpus, tmp_path, engine={"name": "spark"})) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "openjdk-17-jre-headless" in said
    assert "not ready: 1 missing" in said


def test_without_a_configuration_the_machine_is_checked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("doctor", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {"disk", "java", "gpu"} <= {check["check"] for check in found["checks"]}
    assert all(check["mend"] for check in found["checks"] if check["status"] != "ok")


def test_a_wrong_configuration_is_an_error_of_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text("input: 3")
    assert run("doctor", tmp_path / "config.yaml") == 2
    assert "is wrong" in capsys.readouterr().err
