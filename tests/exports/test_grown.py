"""Exports of an output that has grown: of all generations, each by its own plan."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.commands import run
from tests.growing import add_shard, append, corpus, manifest_of, rebalance
from transforms.config.sections import Config


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("grown")
    config = corpus(folder, "a", "b")
    rebalance(config)
    add_shard(folder, "c", women=0.4)
    append(config.model_copy(update={"balance": config.balance.model_copy(update={"eta": 0.8})}))
    return config


def copies(folder: Path) -> dict[str, int]:
    """How many copies of an input shard's samples weights say there are, by its name."""
    tables = {path.stem.split("--")[0]: pq.read_table(path) for path in folder.glob("*.parquet")}
    return {name: sum(table.column("copies").to_pylist()) for name, table in tables.items()}


def test_weights_are_of_all_generations_each_by_its_own_plan(
    grown: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path(grown.output.url)
    assert run("export", out, "weights", "--json") == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"samples": 180}
    wanted = {
        entry.shard.split("--")[0]: entry.kept + entry.repeats
        for entry in manifest_of(grown).inputs
    }
    assert copies(out / "exports" / "weights") == wanted
    assert wanted["c"] == 48 and wanted["a"] + wanted["b"] == 60


def test_files_of_earlier_generations_are_kept_as_it_grows(
    grown: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path(grown.output.url)
    assert run("export", out, "weights") == 0
    add_shard(out.parent, "d", women=0.4)
    append(grown)
    capsys.readouterr()
    assert run("export", out, "weights", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["files"], found["written"]) == (4, 1)


@pytest.mark.parametrize("name", ["card", "croissant", "wids", "energon", "sizes"])
def test_other_formats_tell_of_the_whole(
    grown: Config, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", grown.output.url, name) == 0, capsys.readouterr().err
