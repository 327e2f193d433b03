"""An installed package's output format on both engines: their workers know it, and write alike."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.example import install_example
from tests.fixtures import config_of, tree, write_corpus
from tests.loading import ROOT

Fairshard = Callable[..., subprocess.CompletedProcess[str]]
ENGINES = {"beam": ["--direct_num_workers=2"], "spark": ["--master=local[2]"]}

LOOSE = {"eta": 0.5, "max_representation_bias": 0.1, "max_association_bias": 0.2}


@pytest.fixture(scope="module")
def fairshard(tmp_path_factory: pytest.TempPathFactory) -> Fairshard:
    """The command, where the example package is installed."""
    example = install_example(tmp_path_factory.mktemp("example"))
    environment = {**os.environ, "PYTHONPATH": f"{example}{os.pathsep}{ROOT}"}

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "jobs.cli", *map(str, words)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, fairshard: Fairshard) -> dict[str, Path]:
    """The configurations of an output of each engine; Beam's has passed its gates."""
    folder = tmp_path_factory.mktemp("formats")
    write_corpus(folder, samples=120)
    paths = {}
    for engine, options in ENGINES.items():
        config = config_of(folder, gates={"enabled": engine == "beam"}, balance=LOOSE)
        values = config.model_dump(mode="json", exclude_defaults=True)
        values["output"] = {"url": str(folder / engine), "samples_per_shard": 20, "format": "keys"}
        values["engine"] = {"name": engine}
        paths[engine] = folder / f"{engine}.yaml"
        paths[engine].write_text(yaml.safe_dump(values))
        done = fairshard("rebalance", paths[engine], "--", *options)
        assert done.returncode == 0, done.stderr
    return paths


def out(path: Path) -> Path:
    return path.with_suffix("")


def test_both_engines_write_the_same_bytes(written: dict[str, Path]) -> None:
    gate = out(written["beam"]) / "validations" / "output.json"
    assert json.loads(gate.read_text())["passed"]
    assert (out(written["beam"]) / "report" / "index.html").exists()
    on_beam, on_spark = (tree(out(written[engine])) for engine in ENGINES)
    assert on_beam == on_spark
    shards = [name for name in on_beam if name.endswith(".jsonl")]
    assert shards == [f"shards/{number:05d}.jsonl" for number in range(len(shards))]
    manifest = json.loads(on_beam["manifest.json"])
    lines = [line for name in shards for line in on_beam[name].splitlines()]
    assert len(lines) == manifest["totals"]["written"] > 0
    assert {*json.loads(lines[0])} == {"key", "shard", "offset", "size", "name"}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_lost_is_written_again_by_its_workers(
    fairshard: Fairshard, written: dict[str, Path], engine: str
) -> None:
    def times() -> dict[str, int]:
        return {path.name: path.stat().st_ino for path in (out(path) / "shards").iterdir()}

    path = written[engine]
    whole, before = tree(out(path)), times()
    (out(path) / "done" / "shards" / "00001.jsonl.json").unlink()
    done = fairshard("resample", path, "--", *ENGINES[engine])
    assert "1 of 3 output shards is written again: it has no record" in done.stderr
    assert tree(out(path)) == whole
    after = times()
    assert {name for name in after if after[name] != before[name]} == {"00001.jsonl"}


def test_what_looks_at_an_output_tells_of_its_format(
    fairshard: Fairshard, written: dict[str, Path]
) -> None:
    path = written["beam"]

    def told(*words: object) -> Any:
        done = fairshard(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    (resample,) = (
        stage for stage in told("status", out(path))["stages"] if stage["stage"] == "resample"
    )
    assert (resample["state"], resample["shards_done"], resample["shards"]) == ("done", 3, 3)
    found = {
        check["name"]: check for check in told("verify", out(path), "--config", path)["checks"]
    }
    assert found["shards"]["remark"] == (
        "size and sha256 alone are compared: what files of the format 'keys' hold is not read"
    )
    assert not any(check["differences"] for check in found.values())
