"""Input shards that change while a run reads them: nothing stale goes out, and a rerun heals."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from jobs.run import label, rebalance, solve
from jobs.session.engines import runner_for
from jobs.session.labelled import all_label_records
from tests.fixtures import config_of, read_members, tree, write_corpus, write_tar
from tests.inprocess import InProcess
from tests.processes import Place, held
from tests.runs import quiet
from transforms.base.errors import StaleError
from transforms.config.files import read_config
from transforms.plan.plan import read_plan
from transforms.shards.finding import find_shards
from transforms.storage.files import output_storage

BALANCE = {"eta": 0.4, "max_representation_bias": 0.2}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus of 2 shards, and its configuration."""
    write_corpus(tmp_path, samples=60, shards=2)
    config = config_of(
        tmp_path,
        gates={"enabled": False},
        balance=BALANCE,
        output={"url": "out", "samples_per_shard": 10},
    )
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    return tmp_path


def rewritten(folder: Path) -> None:
    """Other labels, in as many bytes."""
    shard = folder / "in" / "00001.tar"
    content = shard.read_bytes()
    other = content.replace(b'"nurse"', b'"other"').replace(b'"woman"', b'"women"')
    assert len(other) == len(content) and other != content
    shard.write_bytes(other)


def appended(folder: Path) -> None:
    """More samples at its end."""
    write_corpus(folder / "more", samples=30, shards=1, seed=7)
    shard, more = folder / "in" / "00001.tar", folder / "more" / "in" / "00000.tar"
    others = {f"1{name[1:]}": content for name, content in read_members(more).items()}
    write_tar(shard, read_members(shard) | others)


def added(folder: Path) -> None:
    """A shard that was not there."""
    shutil.copy(folder / "in" / "00000.tar", folder / "in" / "00007.tar")


CHANGES = [
    (rewritten, Place("call", "transforms.labels.labelling:require_unchanged", 2), "the shard"),
    (rewritten, Place("before", "plan/plan.json"), "the shard"),
    (appended, Place("before", "shards/*.tar"), "the shard"),
    (rewritten, Place("before", "done/shards/*.json", 3), "the input (00001"),
    (added, Place("before", "plan/plan.json"), "the input (00007"),
]


@pytest.mark.parametrize(("change", "place", "said"), CHANGES)
def test_a_shard_that_changes_during_a_run_does_not_go_out_stale(
    folder: Path, change: Callable[[Path], None], place: Place, said: str
) -> None:
    words = "rebalance", folder / "config.yaml", f"--output={folder / 'out'}"
    with held(folder / "log", *words, place=place) as run:
        change(folder)
    assert run.end() == 3, run.log.read_text()
    text = run.log.read_text()
    assert said in text
    assert "changed while the run went on: run the same command again" in text
    assert not (folder / "out" / "manifest.json").exists()
    config = read_config(folder / "config.yaml")
    rebalance.run(config, InProcess(), quiet())
    url = str(folder / "fresh")
    fresh = config.model_copy(update={"output": config.output.model_copy(update={"url": url})})
    InProcess().rebalance(fresh, find_shards(fresh.input))
    assert tree(folder / "out") == tree(folder / "fresh")


@pytest.mark.parametrize("engine", ["beam", "spark"])
def test_each_engine_says_so_of_a_shard_that_it_copies(folder: Path, engine: str) -> None:
    config = config_of(folder, gates={"enabled": False}, balance=BALANCE, engine={"name": engine})
    label.run(config, InProcess(), quiet())
    solve.run(config, InProcess(), quiet())
    storage = output_storage(config.output)
    records = all_label_records(config, find_shards(config.input))
    os.utime(folder / "in" / "00000.tar", (1, 1))
    with pytest.raises(StaleError, match="changed while the run went on"):
        runner_for(config, []).resample(config, records, read_plan(storage))
    assert not storage.exists("manifest.json")
