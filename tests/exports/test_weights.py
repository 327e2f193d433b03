"""The export of weights says of each sample what `resample` makes of it, key by key."""

import json
import tarfile
from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from jobs.run.running import run_command
from jobs.session.options import read_checked
from tests.calibration.test_corrected_output import calibrated
from tests.commands import run
from tests.inprocess import InProcess
from tests.outputs import finished_output, solved
from tests.runs import quiet
from tests.statistics.test_counting import config_of as tables_config
from tests.statistics.test_counting import table_of, written
from tests.statistics.test_filtering import FILTER
from tests.uid_corpus import REPEATING, keys_written, uid_of, write_config, write_corpus
from transforms.exports.exported import ROWS_AT_ONCE, Exported
from transforms.exports.exporting import export
from transforms.exports.target import Target
from transforms.resampling.drawing import draw
from transforms.stages.registrations import load_exporters
from transforms.storage.files import Storage, output_storage

DERIVED = {
    "thing": {"field": "words", "names": ["doctor", "nurse", "laptop", "tie"]},
    "work": {"names": {"care": {"any_of": ["thing.doctor", "thing.nurse"]}}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output that Beam wrote, of a plan that drops and repeats, and its weights."""
    folder = tmp_path_factory.mktemp("weights")
    write_corpus(folder, samples=300)
    config = write_config(folder, balance=REPEATING, labels=DERIVED)
    assert run("rebalance", config, "--", "--runner=FnApiRunner") == 0
    assert run("export", config, "weights") == 0
    return folder


def weights_in(output: Path) -> pa.Table:
    return ds.dataset(output / "exports" / "weights", format="parquet").to_table()


def copies_in(output: Path) -> Counter[str]:
    rows = weights_in(output).select(["key", "copies"]).to_pylist()
    return Counter({row["key"]: row["copies"] for row in rows if row["copies"]})


def test_copies_are_those_that_beam_wrote(folder: Path) -> None:
    written = keys_written(folder / "out")
    assert copies_in(folder / "out") == written
    assert max(written.values()) == 2
    assert 0 < len(written) < 300


def test_q_is_the_expected_number_of_copies(folder: Path) -> None:
    table = weights_in(folder / "out")
    q, copies = table.column("q").to_numpy(), table.column("copies").to_numpy()
    assert q.mean() == pytest.approx(0.9)
    assert np.all((copies == np.floor(q)) | (copies == np.ceil(q)))
    manifest = json.loads((folder / "out/manifest.json").read_bytes())
    assert copies.sum() == manifest["totals"]["written"]


def test_a_file_a_shard_has_all_that_is_known_of_its_samples(folder: Path) -> None:
    table = pq.read_table(folder / "out/exports/weights/00001.parquet")
    assert table.column_names == [
        *("shard", "key", "offset", "size", "s.gender.woman", "s.gender.man"),
        *(f"y.thing.{name}" for name in ("doctor", "nurse", "laptop", "tie")),
        *("y.work.care", "utility", "field.uid", "q", "copies"),
    ]
    assert table.schema.field("shard").type == pa.dictionary(pa.int32(), pa.string())
    assert table.schema.field("q").type == pa.float64()
    assert table.schema.field("copies").type == pa.int64()
    row = table.slice(7, 1).to_pylist()[0]
    assert row["field.uid"] == uid_of(row["key"])
    assert row["y.work.care"] == (row["y.thing.doctor"] or row["y.thing.nurse"])
    about = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert about["seed"] == "0"
    assert about["url"] == str(folder / "in/00001.tar")
    assert about["plan"] == json.loads((folder / "out/manifest.json").read_bytes())["plan"]


def test_rows_say_where_samples_are(folder: Path) -> None:
    content = (folder / "in/00002.tar").read_bytes()
    for row in pq.read_table(folder / "out/exports/weights/00002.parquet").to_pylist()[:20]:
        part = content[row["offset"] : row["offset"] + row["size"]]
        with tarfile.open(fileobj=BytesIO(part + bytes(1024))) as archive:
            names = archive.getnames()
        assert {name.split(".")[0] for name in names} == {row["key"]}


def test_pandas_and_polars_read_it(folder: Path) -> None:
    written = sum(keys_written(folder / "out").values())
    assert pd.read_parquet(folder / "out/exports/weights")["copies"].sum() == written
    assert pl.read_parquet(folder / "out/exports/weights/*.parquet")["copies"].sum() == written


def test_a_plan_is_enough(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    path = write_config(tmp_path)
    for command in ("label", "solve"):
        run_command(command, read_checked(path), InProcess(), quiet(), "run")
    assert run("export", tmp_path / "out", "weights") == 0
    planned = copies_in(tmp_path / "out")
    run_command("resample", read_checked(path), InProcess(), quiet(), "run")
    assert planned == keys_written(tmp_path / "out")


def test_weights_of_a_calibrated_plan_are_of_the_true_attributes(tmp_path: Path) -> None:
    config = calibrated(tmp_path)
    finished_output(config)
    assert run("export", tmp_path / "out", "weights") == 0
    assert copies_in(tmp_path / "out") == keys_written(tmp_path / "out")


def test_shards_of_one_stem_have_files_of_their_own(tmp_path: Path) -> None:
    write_corpus(tmp_path, shards=("a/00000", "b/00000", "b/00001", "b/_00002"))
    finished_output(read_checked(write_config(tmp_path)))
    assert run("export", tmp_path / "out", "weights") == 0
    names = sorted(path.name for path in (tmp_path / "out/exports/weights").iterdir())
    assert len(names) == 4
    assert names[2:] == ["00001.parquet", "00002.parquet"]
    assert all(name.startswith("00000--") for name in names[:2])
    assert copies_in(tmp_path / "out") == keys_written(tmp_path / "out")


def test_a_shard_without_samples_has_a_file_without_rows(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    with tarfile.open(tmp_path / "in/empty.tar", "w"):
        pass
    limits = {"max_lost_shards": 1, "max_lost_share": 1.0}
    finished_output(read_checked(write_config(tmp_path, input={"limits": limits})))
    assert run("export", tmp_path / "out", "weights") == 0
    table = pq.read_table(tmp_path / "out/exports/weights/empty.parquet")
    assert table.num_rows == 0
    assert table.schema.field("copies").type == pa.int64()
    assert weights_in(tmp_path / "out").num_rows == 120


@pytest.mark.parametrize("rows", [400, ROWS_AT_ONCE + 7])
def test_what_the_filter_takes_weighs_nothing(tmp_path: Path, rows: int) -> None:
    balance = {"eta": 0.5, "max_representation_bias": None, "max_association_bias": 0.5}
    config = tables_config(tmp_path, 3, **FILTER, balance=balance)
    storage = output_storage(config.output)
    record = written(table_of(config, rows, [1.0, 0.5]), storage)
    exported = Exported(config, solved([record], config), (record,), None, storage)
    tables = list(exported.rows(record))
    assert [table.num_rows for table in tables] == [rows] if rows < ROWS_AT_ONCE else [rows - 7, 7]
    table = pa.concat_tables(tables)
    below = table.column("score.similarity").to_numpy() < np.float32(0.4)
    assert table.filter(pa.array(below)).column("q").unique().to_pylist() == [0.0]
    assert table.filter(pa.array(below)).column("copies").unique().to_pylist() == [0]
    drawn = draw(record, exported.plan, config, storage)
    assert np.array_equal(np.bincount(drawn.row, minlength=rows), table.column("copies").to_numpy())


def test_labels_that_lie_apart_are_found_from_either(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    path = write_config(tmp_path, output={"url": "out", "labels": "labels"})
    run_command("rebalance", read_checked(path), InProcess(), quiet(), "run")
    for target, place in ((tmp_path / "out", "a"), (path, "b")):
        assert run("export", target, "weights", "--to", tmp_path / place) == 0
    names = [f"{shard}.parquet" for shard in ("00000", "00001", "00002")]
    contents = [[(tmp_path / at / name).read_bytes() for name in names] for at in ("a", "b")]
    assert contents[0] == contents[1]
    assert run("export", tmp_path / "out", "weights") == 0
    assert copies_in(tmp_path / "out") == keys_written(tmp_path / "out")


def test_files_tell_no_secrets_of_urls(tmp_path: Path) -> None:
    loose = {"eta": 0.5, "max_representation_bias": None, "max_association_bias": None}
    config = tables_config(tmp_path, 3, **FILTER, balance=loose)
    storage = output_storage(config.output)
    record = written(table_of(config, 40, [1.0]), storage)
    url = "https://me:word@host/a.tar?X-Amz-Signature=abcdef"
    signed = replace(record, shard=replace(record.shard, url=url))
    exported = Exported(config, solved([signed], config), (signed,), None, storage)
    load_exporters()
    target = Target(Storage(str(tmp_path / "to")), "weights", records=".fairshard")
    export("weights", exported, target)
    content = b"".join(path.read_bytes() for path in (tmp_path / "to").rglob("*.parquet"))
    assert b"https://***@host/a.tar?X-Amz-Signature=***" in content
    assert b"word" not in content
    assert b"abcdef" not in content
