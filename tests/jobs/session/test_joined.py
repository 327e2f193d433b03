"""What joining tables leaves: kept for the next run, cleaned where no labels need it, discarded."""

import io
from pathlib import Path

import pyarrow.parquet as pq

from jobs.look import clean, failed, status
from jobs.run import dry_run, label, rebalance
from jobs.run.running import run_command
from tests.inprocess import InProcess
from tests.joined import told_by, write_told_corpus
from tests.runs import quiet
from transforms.outcome.run_metrics import run_metrics
from transforms.storage.files import Storage, output_storage


def files_in(folder: Path) -> set[str]:
    """The names of the files in a folder."""
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_tables_of_labels_that_are_gone_are_cleaned_and_others_stay(tmp_path: Path) -> None:
    write_told_corpus(tmp_path)
    config = told_by(tmp_path, "uid", "out")
    label.run(config, InProcess(), quiet())
    before = files_in(tmp_path / "out/tables")
    part = tmp_path / "by_uid/part-0.parquet"
    pq.write_table(pq.read_table(part).slice(1), part)
    label.run(config, InProcess(), quiet())
    after = files_in(tmp_path / "out/tables")
    assert before < after
    (tmp_path / "out/tables/mine.txt").write_text("mine")
    (tmp_path / "out/joins/0123456789abcdef-000-samples-00000.parquet").write_text("left")
    found = clean.run(output_storage(config.output), force=False)
    assert {name.rpartition("/")[2] for name in found["removed"]} == before | {
        "0123456789abcdef-000-samples-00000.parquet"
    }
    assert files_in(tmp_path / "out/tables") == (after - before) | {"mine.txt"}
    assert not files_in(tmp_path / "out/joins")
    assert label.run(config, InProcess(), quiet())["labelled_now"] == 0


def test_a_restart_discards_both_layers_and_the_tables(tmp_path: Path) -> None:
    write_told_corpus(tmp_path)
    config = told_by(tmp_path, "uid", "out")
    label.run(config, InProcess(), quiet())
    at = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/recognised").iterdir()}
    would_do = dry_run.run(config, ("label",), restart=True)["would_do"]
    assert would_do[:3] == [
        "the labels of 4 shards are discarded",
        "what was recognised of 4 shards is discarded",
        "the tables in hash buckets are discarded",
    ]
    assert all(path.stat().st_mtime_ns == before for path, before in at.items())
    run_command("label", config, InProcess(), quiet(), "again", restart=True)
    assert all(path.stat().st_mtime_ns != before for path, before in at.items())


def test_a_dry_run_reads_no_shard_where_a_table_changed(tmp_path: Path) -> None:
    write_told_corpus(tmp_path)
    config = told_by(tmp_path, "uid", "out")
    label.run(config, InProcess(), quiet())
    part = tmp_path / "by_uid/part-0.parquet"
    pq.write_table(pq.read_table(part).slice(1), part)
    found = dry_run.run(config, ("label",), restart=False)
    assert found["would_do"] == [
        "the labels of 4 shards are joined again: the table scores changed; no shard is read for it"
    ]
    assert found["shards"] == []


def test_status_and_failed_tell_of_tables(tmp_path: Path) -> None:
    write_told_corpus(tmp_path)
    tables = {"boxes": {"url": "boxes.csv", "key": ["tar", "member"], "missing": "reject"}}
    limits = {"shards": "in/*.tar", "limits": {"max_reject_share": 0.5}}
    config = told_by(tmp_path, "boxes", "out", tables=tables, input=limits)
    label.run(config, InProcess(), quiet())
    storage = Storage(config.output.url)
    (table,) = status.run(storage)["tables"]
    (rows,) = (one for one in run_metrics(storage) if one.name == "fairshard_table_samples_total")
    assert sorted(rows.values.values()) == [table["without_row"], table["with_row"]]
    told = failed.run(storage)
    assert (table["table"], table["without_row"]) == ("boxes", told["rejected"])
    assert "00001/0000063" in table["in_words"]
    assert told["rejects"][0]["stage"] == "table"
    assert any("missing: absent" in line for line in told["retry"])


def test_a_label_table_that_was_lost_is_joined_again_and_the_plan_is_kept(tmp_path: Path) -> None:
    write_told_corpus(tmp_path)
    config = told_by(tmp_path, "uid", "out", gates={"enabled": False})
    rebalance.run(config, InProcess(), quiet())
    plan = tmp_path / "out/plan/plan.json"
    made, read = plan.stat().st_mtime_ns, times_in(tmp_path / "out/recognised")
    (lost, *_) = sorted((tmp_path / "out/labels").iterdir())
    content = lost.read_bytes()
    lost.unlink()
    console = quiet()
    rebalance.run(config, InProcess(), console)
    assert isinstance(console.file, io.StringIO)
    assert (
        "the labels of 1 shard are joined again: 1 with a lost table of labels or rejects; no "
        "shard is read for it"
    ) in console.file.getvalue()
    assert lost.read_bytes() == content
    assert (plan.stat().st_mtime_ns, times_in(tmp_path / "out/recognised")) == (made, read)


def test_what_was_recognised_is_read_again_where_it_is_lost(tmp_path: Path) -> None:
    write_told_corpus(tmp_path)
    config = told_by(tmp_path, "uid", "out")
    label.run(config, InProcess(), quiet())
    (lost, *_) = sorted((tmp_path / "out/recognised").iterdir())
    lost.unlink()
    assert label.run(config, InProcess(), quiet())["labelled_now"] == 0
    (tmp_path / "out/labels" / lost.name).unlink()
    console = quiet()
    label.run(config, InProcess(), console)
    assert isinstance(console.file, io.StringIO)
    assert "1 of 4 shards is labelled again: 1 with a lost table" in console.file.getvalue()
    assert lost.exists()


def times_in(folder: Path) -> dict[str, int]:
    """When each file of a folder was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
