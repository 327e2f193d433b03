"""Exports of an output that has grown: of all generations, each by its own plan."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import webdataset

from fairshard import FairshardError, loaders
from tests.commands import run
from tests.growing import add_shard, append, corpus, manifest_of, rebalance
from transforms.config.sections import Config


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("grown")
    config = corpus(folder, "a", "b")
    rebalance(config)
    assert run("export", folder / "out", "weights") == 0
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


@pytest.mark.parametrize("apart", [False, True])
def test_loaders_go_by_the_weights_of_all_generations(
    grown: Config, tmp_path: Path, apart: bool
) -> None:
    out, to = Path(grown.output.url), tmp_path / "weights"
    assert run("export", out, "weights", *(["--to", to] if apart else [])) == 0
    place = to if apart else out
    tars = sorted((out.parent / "in").glob("*.tar"))
    totals = manifest_of(grown).totals
    dataset = webdataset.WebDataset([str(tar) for tar in tars], shardshuffle=False)
    kept = [sample["__key__"] for sample in dataset.compose(loaders.weighted(place))]
    assert len(kept) == totals.written and len({*kept}) == totals.kept
    assert {key[0] for key in kept} >= {"a", "b", "c"}
    whole = webdataset.WebDataset([str(tar) for tar in tars], shardshuffle=False)
    samples = [(sample["__url__"], sample["__key__"]) for sample in whole]
    chosen = loaders.indices(place, samples)
    assert sorted(samples[at][1] for at in chosen) == sorted(kept)
    assert loaders.CorpusWeights(place).samples() == totals.written


def test_weights_of_another_plan_of_a_generation_are_refused(grown: Config) -> None:
    out = Path(grown.output.url)
    assert run("export", out, "weights") == 0
    (file,) = (out / "exports" / "weights").glob("c*.parquet")
    written = file.read_bytes()
    table = pq.read_table(file)
    for about in ({b"plan": b"another"}, {b"generation": b"0"}, {b"generation": b"7"}):
        pq.write_table(table.replace_schema_metadata({**table.schema.metadata, **about}), file)
        with pytest.raises(FairshardError, match="is of another plan than the weights beside it"):
            loaders.CorpusWeights(out).copies("c.tar", "c00000")
    file.write_bytes(written)
