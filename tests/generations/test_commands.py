"""The commands on an output that grows, as they are typed, on both engines."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands import run
from tests.growing import add_shard, append, corpus, manifest_of, rebalance, without_records
from transforms.config.sections import Config
from transforms.storage.files import output_storage
from transforms.storage.shared_labels import own_shards

ENGINES = {"beam": ["--direct_num_workers=2"], "spark": ["--master=local[2]"]}


def written(config: Config, path: Path, **more: Any) -> Path:
    """The configuration in a file."""
    values = {**config.model_dump(mode="json", exclude_defaults=True), **more}
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


def test_both_engines_write_the_same_generations(tmp_path: Path) -> None:
    found = {}
    corpus(tmp_path, "a", "b")
    for engine in ENGINES:
        rebalance(corpus(tmp_path, output={"url": engine}))
    add_shard(tmp_path, "c", women=0.2)
    add_shard(tmp_path, "d", women=0.2)
    for engine, options in ENGINES.items():
        config = corpus(tmp_path, output={"url": engine})
        path = written(config, tmp_path / f"{engine}.yaml", engine={"name": engine})
        assert run("rebalance", path, "--append", "--allow-unmet", "--", *options) == 0
        found[engine] = without_records(tmp_path / engine)
    assert found["beam"] == found["spark"]
    assert "generations/0001/plan/plan.json" in found["beam"]


def test_a_dry_run_says_what_would_be_added(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = corpus(tmp_path, "a", "b")
    path = written(config, tmp_path / "config.yaml")
    append(config)
    add_shard(tmp_path, "c")
    append(config)
    add_shard(tmp_path, "d")
    total, before = manifest_of(config).totals.written, without_records(tmp_path / "out")
    capfd.readouterr()
    assert run("rebalance", path, "--append", "--dry-run") == 0
    out = capfd.readouterr().out
    said = f"1 new shard (about 60 samples by their size); generation 2 appends to {total:,} writte"
    assert said in out
    assert "1 shard of 0.1 MB would be labelled" in out
    assert "not in the input any more" not in out
    assert without_records(tmp_path / "out") == before
    append(config)
    capfd.readouterr()
    assert run("rebalance", path, "--append", "--dry-run") == 0
    assert "no shard is new: 3 generations of 4 shards hold" in capfd.readouterr().out
    assert run("rebalance", path, "--dry-run") == 3
    assert "give --append (or output.mode: append) to go on so, or --rebuild" in (
        capfd.readouterr().err
    )
    assert run("rebalance", path, "--rebuild", "--dry-run") == 0
    assert "the plan is made again: the input" in capfd.readouterr().out


def test_a_dry_run_of_the_first_that_is_added_is_of_what_is_new_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = corpus(tmp_path, "a", "b")
    path = written(config, tmp_path / "config.yaml")
    rebalance(config)
    add_shard(tmp_path, "c")
    before = without_records(tmp_path / "out")
    capfd.readouterr()
    assert run("rebalance", path, "--append", "--dry-run") == 0
    first, *lines = capfd.readouterr().out.splitlines()
    assert first.startswith("1 new shard (about 60 samples by their size); generation 1 appends")
    assert lines[:3] == [
        "1 shard is to be labelled: none is yet",
        "the plan is made again: labels are made",
        "the output is to be written: there is none yet",
    ]
    assert without_records(tmp_path / "out") == before


def test_what_contradicts_itself_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = written(corpus(tmp_path, "a"), tmp_path / "config.yaml")
    for other in ("--rebuild", "--restart"):
        assert run("rebalance", path, "--append", other) == 2
        assert capfd.readouterr().err.endswith(
            f"--append keeps what is written, and {other} makes it anew: give one of them\n"
        )


@pytest.mark.parametrize("words", [("label", "--append"), ("drift",)])
def test_shards_that_are_written_from_have_not_left_the_input(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    config = corpus(tmp_path, "a", "b")
    command, *options = words
    rebalance(config)
    add_shard(tmp_path, "c")
    capfd.readouterr()
    assert run(command, written(config, tmp_path / "config.yaml"), *options) == 0
    said = capfd.readouterr().err
    assert "1 shard is to be labelled: none is yet" in said
    assert "not in the input any more" not in said


def test_status_tells_of_generations(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    assert run("status", tmp_path / "out", "--json") == 0
    assert "generations" not in json.loads(capfd.readouterr().out)
    add_shard(tmp_path, "c")
    append(config, "label")
    append(config, "solve")
    assert run("status", tmp_path / "out", "--json") == 0
    begun = {stage["stage"]: stage for stage in json.loads(capfd.readouterr().out)["stages"]}
    assert begun["resample"]["state"] == "not done"
    there = len(manifest_of(config).shards)
    assert (begun["resample"]["shards_done"], begun["resample"]["shards"]) == (there, there + 2)
    append(config, "resample")
    assert run("status", tmp_path / "out", "--json") == 0
    found = json.loads(capfd.readouterr().out)
    assert [stage["state"] for stage in found["stages"]] == ["done"] * 3
    entries = manifest_of(config).generations
    assert entries is not None
    assert found["generations"] == [
        {
            "generation": number,
            "input_shards": shards,
            "samples": 60 * shards,
            "kept": entries[number].kept,
            "written": entries[number].written,
            "output_shards": entries[number].shards,
        }
        for number, shards in ((0, 2), (1, 1))
    ]
    assert run("status", tmp_path / "out") == 0
    assert f"generation 1: {entries[1].written} written of 60 samples in 1 shard, to " in (
        capfd.readouterr().out
    )


@pytest.mark.parametrize("labels", [None, "labels-apart"])
def test_labelling_what_is_new_leaves_nothing_aside(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], labels: str | None
) -> None:
    """Those that are written are in the input, before they are a generation on file and after."""
    apart = {"labels": str(tmp_path / labels)} if labels else {}
    config = corpus(tmp_path, "a", "b", output=apart)
    path = written(config, tmp_path / "config.yaml")
    rebalance(config)
    for name in ("c", "d"):
        add_shard(tmp_path, name)
        for _ in range(2):
            capfd.readouterr()
            assert run("label", path, "--append") == 0
            out = "".join(capfd.readouterr())
            assert "1 new shard" in out and "1 shard labelled" in out
            assert "left aside" not in out
            own = own_shards(output_storage(config.output))
            assert own is None if labels is None else len(own) == 3 + (name == "d")
        append(config)


def test_gates_pass_what_is_new_and_the_whole(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = corpus(tmp_path, "a", "b", gates={"enabled": True})
    path = written(config, tmp_path / "config.yaml")
    rebalance(config)
    add_shard(tmp_path, "c")
    append(config)
    for stage in ("labels", "plan", "output"):
        assert run("gate", stage, path) == 0, capfd.readouterr().err


def test_a_corpus_of_tables_has_no_shards_to_add_to(tmp_path: Path) -> None:
    values = corpus(tmp_path, "a").model_dump(mode="json", exclude_defaults=True)
    values["input"] = {"tables": str(tmp_path / "rows.parquet"), "key_column": "key"}
    values["labels"] = {}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    assert run("rebalance", path, "--append") != 0
