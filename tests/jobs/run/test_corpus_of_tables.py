"""A corpus of tables from the first command to the last: labels, a plan, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import fairshard
from jobs.begin.demo.corpus import MODEL
from pipelines.beam.engine import BeamEngine
from pipelines.spark.engine import SparkEngine
from tests.commands import run
from tests.fixtures import LABELS, config_of, draw_truth, write_corpus
from tests.inprocess import InProcess
from tests.outputs import finished_output
from tests.verification.test_verify import checks_of, said_by
from transforms.base.errors import ConfigError, FairshardError
from transforms.config.files import parse_config
from transforms.labels.labelling import Labeller
from transforms.plan.plan import read_plan
from transforms.shards.finding import find_shards
from transforms.shards.parts import parts_of
from transforms.stages.labelling import labelling_of
from transforms.stages.tasks import label_part
from transforms.storage import paths
from transforms.storage.files import output_storage

SAMPLES = 300
GIVEN: dict[str, Any] = {
    "input": {"tables": "in/*.parquet"},
    "attributes": {
        "gender": {
            "share_of": "group",
            "names": {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")},
        }
    },
    "labels": {"thing": {"field": "words", "names": list(LABELS)}},
    "utility": {"field": "quality"},
    "filter": [{"field": "quality", "at_least": 0.2}],
    "balance": {"eta": 0.5, "max_representation_bias": 0.01, "max_association_bias": 0.1},
    "output": {"url": "out"},
}


def write_tables(folder: Path, tables: int = 3) -> None:
    """The corpus of `write_corpus` as tables, in groups of 40 rows."""
    (folder / "in").mkdir(parents=True, exist_ok=True)
    truths = draw_truth(SAMPLES, 0)
    for number, part in enumerate(np.array_split(np.arange(SAMPLES), tables)):
        rows = [
            {
                "uid": truths[row].key,
                "words": list(truths[row].words),
                "quality": truths[row].quality,
                "text": f"a picture with {' and '.join(truths[row].words) or 'nothing'}",
                "url": f"https://example.org/{row}.jpg",
            }
            for row in part
        ]
        path = folder / "in" / f"{number:05d}.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=40)


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({**GIVEN, **changes}, sort_keys=False))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_tables(tmp_path)
    return written(tmp_path)


def test_tables_give_the_patterns_that_shards_of_the_same_samples_give(tmp_path: Path) -> None:
    write_corpus(tmp_path / "shards", samples=SAMPLES)
    alike = {key: GIVEN[key] for key in ("filter", "utility", "balance")}
    of_shards = finished_output(config_of(tmp_path / "shards", **alike))
    write_tables(tmp_path / "tables")
    config = config_of(tmp_path / "tables", **alike, input=GIVEN["input"])
    storage = output_storage(config.output)
    labeller = Labeller(config)
    records = [labeller.label(shard, storage) for shard in find_shards(config.input)]
    InProcess().solve(config, records)
    assert storage.read(paths.PATTERNS) == of_shards.read(paths.PATTERNS)
    mine, other = (json.loads(each.read(paths.PLAN)) for each in (storage, of_shards))
    for plan in (mine, other):
        plan |= {"fingerprint": "", "config": ""}
        plan["draw"] |= {"flips": plan["draw"]["flips"]["count"], "shards": ""}
    assert mine == other


@pytest.mark.parametrize("part_bytes", [2**30, 1000])
def test_rebalance_labels_and_solves_and_says_what_comes_out(
    path: Path, capsys: pytest.CaptureFixture[str], part_bytes: int
) -> None:
    out = path.parent / "out"
    parts = ("--set", f"input.part_bytes={part_bytes}")
    assert run("rebalance", path, *parts, "--set", "engine.options.runner=FnApiRunner") == 0
    shown = capsys.readouterr().out
    assert "Everything asked for is met, as drawn." in shown
    last = shown.splitlines()[-1]
    assert last.startswith("input.tables has no shards to copy samples from: labels and the plan ")
    assert f"`fairshard export {out} weights`" in last
    assert not (out / paths.MANIFEST).exists() and not (out / "shards").exists()
    assert run("rebalance", path, *parts, "--json") == 0
    assert json.loads(capsys.readouterr().out)["met"] is True
    assert not said_by(checks_of(out), "differs")
    assert [*said_by(checks_of(out), "not checked")] == ["shards"]
    assert run("status", out) == 0
    assert "no shards" in capsys.readouterr().out


def test_every_engine_and_number_of_parts_gives_the_same_bytes(path: Path) -> None:
    for name, engine, part_bytes in (
        ("beam", BeamEngine(["--runner=FnApiRunner"]), 1000),
        ("spark", SparkEngine(["--master=local[1]"]), 2**30),
    ):
        changes = {"output.url": str(path.parent / name), "input.part_bytes": part_bytes}
        config = fairshard.read_config(str(path), set=changes)
        engine.label(config, find_shards(config.input))
    beam, spark = (
        {file.name: file.read_bytes() for file in (path.parent / name / "labels").iterdir()}
        for name in ("beam", "spark")
    )
    assert beam == spark and len(beam) == 3


def test_resample_is_a_sentence(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("resample", path) == ConfigError.exit_code
    assert "fairshard: input.tables has no shards to copy samples from" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="call label and solve in place of rebalance"):
        fairshard.rebalance(str(path))
    assert not (path.parent / "out").exists()


def test_what_tells_of_output_shards_is_a_sentence(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("rebalance", path, "--set", "engine.options.runner=FnApiRunner") == 0
    for command, said in (
        (("report", path.parent / "out"), "has no output shards to tell of, as its corpus is of"),
        (("gate", "output", path), "has no output shards to tell of, as its corpus is of tables"),
        (("export", path, "energon-exclude"), "and a corpus of tables has none: export `weights`"),
    ):
        assert run(*command) == FairshardError.exit_code
        assert said in capsys.readouterr().err


def test_a_dry_run_names_no_stage_that_there_is_not(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("rebalance", path, "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["stages"] == {"label": True, "solve": True}


def test_preview_and_check_read_rows(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", path, "--json") == 0
    assert abs(json.loads(capsys.readouterr().out)["samples_estimated"] - SAMPLES) < 0.2 * SAMPLES
    assert run("preview", path, "--html", path.parent / "page.html") == 0
    shown = capsys.readouterr().out
    assert "300 samples, the first of 3 of 3 shards: 300 labelled, 0 rejected" in shown
    assert "members:" not in shown
    assert "tables hold no images" in (path.parent / "page.html").read_text()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("input: {}", "input.shards: missing; it must be given, or tables"),
        ("input: {shards: a.tar, tables: a.parquet}", "input: give shards or tables, not both"),
        ("input: {shards: a.tar, key_column: uid}", "input: key_column is of tables"),
        ("input: {tables: a.parquet}\nsimilarity: true", "input.tables: tables hold no images"),
        (
            "input: {tables: a.parquet}\nfilter: {min_similarity: 0.2}",
            "tables hold no images, which",
        ),
    ],
)
def test_what_does_not_go_together_is_said_at_its_key(changed: str, said: str) -> None:
    values = {key: value for key, value in GIVEN.items() if key not in ("input", "filter")}
    model = {"name": f"local-dir:{MODEL}"}
    text = f"{yaml.safe_dump({**values, 'model': model})}{changed}\n"
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "c.yaml")
    assert said in str(caught.value)


def test_prompts_are_refused(tmp_path: Path) -> None:
    seen = {"woman": {"target": 0.5, "prompts": "a woman"}, "man": {"target": 0.5, "prompts": "a"}}
    values = {
        **GIVEN,
        "attributes": {"g": {"names": seen}},
        "model": {"name": f"local-dir:{MODEL}"},
    }
    with pytest.raises(ConfigError) as caught:
        parse_config(yaml.safe_dump(values), "c.yaml")
    assert str(caught.value).splitlines()[1] == (
        "  input.tables: tables hold no images, which prompts and similarity look at: recognise "
        "names by lexicon, field or column, give embeddings, or read shards"
    )


def test_a_pattern_that_matches_no_table_is_a_sentence(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, said in (
        ("in/*.csv", "no table (.parquet or .pq) matches "),
        ("in", "in is a folder: write "),
        ("config.yaml", "is not named as a table: its name must end in .parquet or .pq"),
    ):
        assert run("label", path, "--set", f"input.tables={path.parent / given}") != 0
        error = capsys.readouterr().err
        assert said in error and "input.tables" in error and "Traceback" not in error


def test_a_table_that_changed_is_labelled_again(path: Path) -> None:
    config = fairshard.read_config(str(path))
    shard, *_ = find_shards(config.input)
    storage, labeller = output_storage(config.output), Labeller(config)
    labeller.label(shard, storage)
    rows = pq.read_table(shard.url).slice(0, 7)
    pq.write_table(rows, shard.url)
    changed, *_ = find_shards(config.input)
    assert changed.version != shard.version
    (part,) = parts_of(changed, config.input)
    again = label_part(part, labelling_of(config, [changed]), config, lambda: labeller)
    assert getattr(again, "samples", None) == 7


def test_a_table_with_damage_ends_the_run_as_a_damaged_shard_does(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = path.parent / "in" / "00001.parquet"
    table.write_bytes(table.read_bytes()[:-20])
    assert run("label", path, "--set", "engine.options.runner=FnApiRunner") == 1
    error = capsys.readouterr().err
    assert "it is not Parquet that can be read: " in error
    assert "leave them out of input.tables, or raise the limit" in error


def test_verify_sees_rows_that_are_not_those_labelled(path: Path) -> None:
    config = fairshard.read_config(str(path))
    storage, labeller = output_storage(config.output), Labeller(config)
    records = [labeller.label(shard, storage) for shard in find_shards(config.input)]
    InProcess().solve(config, records)
    assert read_plan(storage).file.samples.labelled == SAMPLES
    table = path.parent / "in" / "00000.parquet"
    rows = pq.read_table(table)
    other = rows.set_column(0, "uid", pa.array([f"x{key}" for key in rows["uid"].to_pylist()]))
    pq.write_table(other.slice(0, rows.num_rows - 1), table, row_group_size=40)
    found = said_by(checks_of(path.parent / "out"), "differs")
    assert "the labels of 00000" in found["inputs"] or "is not what was labelled" in found["inputs"]


def test_a_link_to_no_table_is_a_sentence(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path.parent / "in" / "9.parquet").symlink_to(path.parent / "gone.parquet")
    assert run("check", path) == 1
    assert "the input table " in (error := capsys.readouterr().err)
    assert "9.parquet is a link to what does not exist: restore " in error
