"""Labels that tables tell are those that samples tell, on any engine, and cheap to make again."""

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.run import label, rebalance
from pipelines.beam.engine import BeamEngine
from pipelines.spark.engine import SparkEngine
from tests.fixtures import tree
from tests.inprocess import InProcess
from tests.joined import told_by, write_told_corpus
from tests.runs import quiet
from transforms.base.errors import FairshardError
from transforms.config.sections import Config
from transforms.labels.layers import LABELS
from transforms.labels.settings import settings_digest
from transforms.shards.inputs import input_shards
from transforms.stages.engine import Engine
from transforms.stages.labelling import Labelling, labelling_of
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


def test_json_and_tables_of_three_kinds_give_the_same_plan(corpus: Path, tmp_path: Path) -> None:
    outputs = {way: tmp_path / way for way in ("json", "uid", "boxes", "shards")}
    plans = {way: made(told_by(corpus, way, str(out))) for way, out in outputs.items()}
    assert plans["json"] == plans["uid"] == plans["boxes"] == plans["shards"]
    shards = {way: sorted((out / "shards").glob("*.tar")) for way, out in outputs.items()}
    bytes_of = {way: [path.read_bytes() for path in found] for way, found in shards.items()}
    assert bytes_of["json"] == bytes_of["uid"] == bytes_of["boxes"] == bytes_of["shards"]
    pages = {way: (out / "report/index.html").read_text() for way, out in outputs.items()}
    assert [way for way, page in pages.items() if "<h2>Tables</h2>" in page] == [
        "uid",
        "boxes",
        "shards",
    ]


@pytest.mark.parametrize("way", ["uid", "shards"])
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


def said(config: Config) -> str:
    """What a label run says as it begins."""
    console = quiet()
    label.run(config, InProcess(), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """A corpus that the table by uid has labelled, and whose shards cannot be read any more."""
    write_told_corpus(tmp_path)
    assert "4 shards are to be labelled: none is yet" in said(told_by(tmp_path, "uid", "out"))
    for shard in (tmp_path / "in").iterdir():
        at = shard.stat().st_mtime_ns
        shard.write_bytes(bytes(shard.stat().st_size))
        os.utime(shard, ns=(at, at))
    return tmp_path


def test_labels_that_are_there_are_kept(labelled: Path) -> None:
    assert "the labels of all 4 shards are kept" in said(told_by(labelled, "uid", "out"))


def test_a_table_that_changes_is_joined_again_and_no_shard_is_read(labelled: Path) -> None:
    part = labelled / "by_uid" / "part-1.parquet"
    table = pq.read_table(part)
    column = table.column_names.index("p_woman")
    ones = pa.array([1.0] * len(table))
    pq.write_table(table.set_column(column, "p_woman", ones), part)
    config = told_by(labelled, "uid", "out")
    line = "the labels of 4 shards are joined again: the table scores changed; no shard is read"
    assert line in said(config)
    rows = pa.concat_tables(pq.read_table(file) for file in (labelled / "out" / "labels").iterdir())
    assert sum(rows.column("s.gender.woman").to_pylist()) >= len(table)


def test_a_condition_that_changes_is_joined_again_and_no_shard_is_read(labelled: Path) -> None:
    config = told_by(labelled, "uid", "out")
    names = config.model_dump(mode="json")["attributes"]
    names["gender"]["names"]["woman"]["column"]["at_least"] = 0.1
    told = said(told_by(labelled, "uid", "out", attributes=names))
    assert "joined again: attributes.gender.names.woman.column.at_least changed" in told
    assert "no shard is read" in told


def test_what_is_recognised_in_samples_is_read_again(labelled: Path) -> None:
    attributes = {
        "gender": {
            "names": {"woman": {"target": 0.5, "field": {"path": "words", "values": "woman"}}}
        }
    }
    with pytest.raises(FairshardError, match="no sample"):
        said(told_by(labelled, "uid", "out", attributes=attributes))


def test_what_the_join_left_between_its_steps_is_gone(labelled: Path) -> None:
    assert not [*(labelled / "out" / "joins").iterdir()]
    assert [*(labelled / "out" / "tables").iterdir()]


@pytest.mark.parametrize("combine", ["any", "all"])
def test_samples_and_tables_tell_together(tmp_path: Path, combine: str) -> None:
    truths = write_told_corpus(tmp_path)
    told = {"field": {"path": "words", "values": "doctor"}}
    joined = {"column": {"table": "scores", "name": "p_nurse", "at_least": 0.7}}
    group = {"combine": combine, "names": {"medical": {**told, **joined}}}
    said(told_by(tmp_path, "uid", "out", labels={"job": group}))
    rows = [
        row
        for file in sorted((tmp_path / "out" / "labels").iterdir())
        for row in pq.read_table(file).to_pylist()
    ]
    by_key = {row["key"]: row["y.job.medical"] for row in rows}
    decide = all if combine == "all" else any
    assert by_key == {t.key: decide(w in t.words for w in ("doctor", "nurse")) for t in truths}


def test_sources_apart_have_columns_of_their_own(tmp_path: Path) -> None:
    truths = write_told_corpus(tmp_path)
    told = {"field": {"path": "words", "values": "doctor"}}
    joined = {"column": {"table": "scores", "name": "p_nurse", "at_least": 0.7}}
    group = {"combine": "apart", "names": {"medical": {**told, **joined}}}
    said(told_by(tmp_path, "uid", "out", labels={"job": group}))
    rows = [
        row
        for file in sorted((tmp_path / "out" / "labels").iterdir())
        for row in pq.read_table(file).to_pylist()
    ]
    of_metadata = {row["key"]: row["y.job.medical@metadata"] for row in rows}
    of_table = {row["key"]: row["y.job.medical@table"] for row in rows}
    assert of_metadata == {truth.key: "doctor" in truth.words for truth in truths}
    assert of_table == {truth.key: "nurse" in truth.words for truth in truths}


def test_samples_without_a_row_are_rejected_where_that_is_asked(tmp_path: Path) -> None:
    truths = write_told_corpus(tmp_path)
    without = [truth for truth in truths if not truth.words]
    tables = {"boxes": {"url": "boxes.csv", "key": ["tar", "member"], "missing": "reject"}}
    limits = {"shards": "in/*.tar", "limits": {"max_reject_share": 0.5}}
    config = told_by(tmp_path, "boxes", "out", tables=tables, input=limits)
    found = label.run(config, InProcess(), quiet())
    assert found["samples"] + found["rejected"] == len(truths)
    assert found["rejected"] == len(without) > 0
    kind = found["rejects"][0]
    assert (kind["stage"], kind["error"]) == ("table", "the table boxes has no row for it")
    assert "missing: absent" in kind["remedy"]


def test_how_far_tables_match_is_counted(tmp_path: Path) -> None:
    truths = write_told_corpus(tmp_path)
    with (tmp_path / "boxes.csv").open("a") as boxes:
        boxes.write("00000.tar,unknown.jpg,woman\n00009.tar,0000001.jpg,man\n")
    found = label.run(told_by(tmp_path, "boxes", "out"), InProcess(), quiet())
    (table,) = found["tables"]
    assert table["with_row"] == sum(bool(truth.words) for truth in truths)
    assert table["with_row"] + table["without_row"] == len(truths)
    assert table["rows"] == sum(len(truth.words) for truth in truths) + 2
    assert table["unmatched_rows"] == 2
    assert len(table["of_rows"]) == 2
    assert table["in_words"].startswith("the table boxes: ")


def test_a_bare_key_in_two_shards_is_refused(tmp_path: Path) -> None:
    write_told_corpus(tmp_path)
    shutil.copy(tmp_path / "in/00000.tar", tmp_path / "in/copy.tar")
    (tmp_path / "keys.csv").write_text("key,word\n0000000,woman\n")
    tables = {"boxes": {"url": "keys.csv", "key": "key"}}
    config = told_by(tmp_path, "boxes", "out", tables=tables)
    with pytest.raises(FairshardError, match=r"two shards.*'0000000'.*\[tar, member\]"):
        label.run(config, InProcess(), quiet())


def test_labels_that_are_there_are_not_joined_for_another_plan(labelled: Path) -> None:
    config = told_by(labelled, "uid", "out", balance={"eta": 0.3})
    shards = input_shards(config)
    assert labelling_of(config, shards) == Labelling(settings_digest(config), LABELS)
    (labelled / "out/done/labels" / f"{shards[0].name}.json").unlink()
    assert labelling_of(config, shards).joined == settings_digest(config)


def test_labels_may_lie_apart_from_their_outputs_with_all_that_is_joined(tmp_path: Path) -> None:
    write_told_corpus(tmp_path)
    apart = {"labels": "labelled", "samples_per_shard": 40}
    for output in ("one", "two"):
        config = told_by(tmp_path, "uid", output, output={"url": output, **apart})
        found = label.run(config, InProcess(), quiet())
        assert found["tables"][0]["with_row"] == found["samples"]
        assert found["labelled_now"] == (4 if output == "one" else 0)
        assert {path.name for path in (tmp_path / output).iterdir()} <= {"done", "attempts"}
    assert {"labels", "recognised", "tables"} <= {p.name for p in (tmp_path / "labelled").iterdir()}


def test_shards_in_parts_are_joined_as_whole_ones(tmp_path: Path) -> None:
    write_told_corpus(tmp_path)
    tables = []
    for output, part_bytes in (("whole", 2**30), ("parts", 20_000)):
        given = {"shards": "in/*.tar", "part_bytes": part_bytes}
        label.run(told_by(tmp_path, "uid", output, input=given), InProcess(), quiet())
        files = sorted((tmp_path / output / "labels").iterdir())
        tables.append([path.read_bytes() for path in files])
    assert tables[0] == tables[1]


def test_a_field_that_is_carried_stays_and_one_that_is_joined_by_goes(tmp_path: Path) -> None:
    write_told_corpus(tmp_path)
    given = {"shards": "in/*.tar", "carry": ["uid"]}
    said(told_by(tmp_path, "uid", "out", input=given))
    (first, *_) = sorted((tmp_path / "out/labels").iterdir())
    (recognised, *_) = sorted((tmp_path / "out/recognised").iterdir())
    names = pq.read_schema(first).names
    assert "field.uid" in names and "join.uid" not in names
    assert "join.uid" in pq.read_schema(recognised).names


def test_a_bare_key_is_refused_where_a_shard_that_has_it_is_added(tmp_path: Path) -> None:
    write_told_corpus(tmp_path)
    (tmp_path / "keys.csv").write_text("key,word\n0000000,woman\n")
    tables = {"boxes": {"url": "keys.csv", "key": "key"}}
    config = told_by(tmp_path, "boxes", "out", tables=tables)
    label.run(config, InProcess(), quiet())
    shutil.copy(tmp_path / "in/00000.tar", tmp_path / "in/copy.tar")
    with pytest.raises(FairshardError, match="two shards"):
        label.run(config, InProcess(), quiet())
