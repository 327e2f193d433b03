"""Labels that tables tell are those that samples tell, on any engine, and cheap to make again."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from jobs.run import rebalance
from pipelines.beam.engine import BeamEngine
from pipelines.spark.engine import SparkEngine
from tests.fixtures import tree
from tests.inprocess import InProcess
from tests.joined import told_by, write_told_corpus
from tests.runs import quiet
from transforms.config.sections import Config
from transforms.stages.engine import Engine
from transforms.storage.files import output_storage


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tests read and none changes."""
    folder = tmp_path_factory.mktemp("corpus")
    write_told_corpus(folder)
    return folder


def made(config: Config, engine: Any = None) -> dict[str, Any]:
    """The plan that a rebalance makes, apart from what it is made from."""
    rebalance.run(config, engine or InProcess(), quiet())
    plan = json.loads(output_storage(config.output).read("plan/plan.json"))
    return {key: plan[key] for key in plan if key not in ("fingerprint", "config")}


def test_json_and_tables_of_two_kinds_give_the_same_plan(corpus: Path, tmp_path: Path) -> None:
    outputs = {way: tmp_path / way for way in ("json", "uid", "boxes")}
    plans = {way: made(told_by(corpus, way, str(out))) for way, out in outputs.items()}
    assert plans["json"] == plans["uid"] == plans["boxes"]
    shards = {way: sorted((out / "shards").glob("*.tar")) for way, out in outputs.items()}
    bytes_of = {way: [path.read_bytes() for path in found] for way, found in shards.items()}
    assert bytes_of["json"] == bytes_of["uid"] == bytes_of["boxes"]


@pytest.mark.parametrize("way", ["uid", "boxes"])
def test_engines_write_the_same_bytes(corpus: Path, tmp_path: Path, way: str) -> None:
    engines: dict[str, Engine] = {
        "here": InProcess(),
        "beam": BeamEngine(["--runner=FnApiRunner"]),
        "spark": SparkEngine(["--master=local[2]"]),
    }
    trees = {}
    for name, engine in engines.items():
        made(told_by(corpus, way, str(tmp_path / "out")), engine)
        trees[name] = tree(tmp_path / "out")
        shutil.rmtree(tmp_path / "out")
    assert trees["here"] == trees["beam"] == trees["spark"]
