"""What lies beside output shards: a table of their samples, and their sizes."""

import hashlib
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.look import verify
from jobs.run import rebalance
from tests.fixtures import config_of, tree, write_corpus
from tests.inprocess import InProcess
from tests.outputs import finished_output
from tests.runs import quiet
from tests.tampering import Json, edit_json
from transforms.base.errors import FairshardError
from transforms.config.sections import Config
from transforms.resampling.manifest import notes_beside, read_manifest
from transforms.shards.naming import stem_of
from transforms.storage.files import output_storage

REPEATING = {"eta": 1.3, "Q": 3.0, "max_representation_bias": 0.05}
COMPLETE = "the output is complete: nothing to do"
OF_IMG2DATASET = pa.schema(
    [
        ("url", pa.string()),
        ("key", pa.string()),
        ("status", pa.string()),
        ("error_message", pa.null()),
        ("width", pa.int32()),
        ("exif", pa.string()),
        ("sizes", pa.list_(pa.int64())),
        ("q", pa.string()),
    ]
)


def said(config: Config) -> list[str]:
    console = quiet()
    rebalance.run(config, InProcess(), console)
    return str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]


def rows_of(keys: list[str]) -> list[Json]:
    return [
        {
            "url": f"https://example.org/{key}",
            "key": key,
            "status": "success",
            "error_message": None,
            "width": 16 + int(key),
            "exif": None if int(key) % 2 else "{}",
            "sizes": [1, int(key)],
            "q": "theirs",
        }
        for key in keys
    ]


def tables_beside(folder: Path, keep: slice = slice(None)) -> None:
    """The table of each input shard as img2dataset leaves it, rows in another order."""
    for shard in sorted((folder / "in").glob("*.tar")):
        rows = rows_of(keys_in(shard)[::-1][keep])
        table = pa.Table.from_pylist(rows, schema=OF_IMG2DATASET)
        pq.write_table(table, shard.with_suffix(".parquet"), row_group_size=16)


def keys_in(shard: Path) -> list[str]:
    with tarfile.open(shard) as archive:
        return list(dict.fromkeys(name.partition(".")[0] for name in archive.getnames()))


def written(folder: Path) -> list[tuple[Path, pa.Table]]:
    shards = sorted((folder / "out" / "shards").glob("*.tar"))
    return [(shard, pq.read_table(shard.with_suffix(".parquet"))) for shard in shards]


def config_at(folder: Path, **changes: Any) -> Config:
    return config_of(folder, **{"gates": {"enabled": False}, "balance": REPEATING, **changes})


def test_a_row_a_sample_with_where_it_came_from_and_its_labels(tmp_path: Path) -> None:
    truths = {truth.key: truth for truth in write_corpus(tmp_path)}
    finished_output(config_at(tmp_path))
    repeats = 0
    for shard, table in written(tmp_path):
        assert table.column("key").to_pylist() == keys_in(shard)
        assert table.column_names[:4] == ["key", "from.shard", "from.key", "from.offset"]
        for row in table.to_pylist():
            truth = truths[row["from.key"]]
            repeats += row["key"] != row["from.key"]
            source = tmp_path / "in" / f"{stem_of(row['from.shard'])}.tar"
            with source.open("rb") as stream:
                stream.seek(row["from.offset"])
                assert stream.read(100).startswith(row["from.key"].encode())
            for name in ("doctor", "nurse", "laptop", "tie"):
                assert row[f"y.thing.{name}"] == (name in truth.words)
            assert row["s.gender.woman"] == ("woman" in truth.words)
            assert row["utility"] == 1.0
            assert 0 < row["q"] <= 3
    assert repeats
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    sizes = json.loads((tmp_path / "out" / "shards" / "sizes.json").read_text())
    assert sizes == {shard.name: table.num_rows for shard, table in written(tmp_path)}
    for entry in manifest["shards"]:
        content = (tmp_path / "out" / entry["name"]).with_suffix(".parquet").read_bytes()
        assert entry["table"] == {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }


def test_columns_of_img2dataset_are_joined_by_key_and_keep_their_types(tmp_path: Path) -> None:
    """Rows that it lacks are null, and a column named as one of ours gives way."""
    write_corpus(tmp_path)
    tables_beside(tmp_path, slice(None, -3))
    finished_output(config_at(tmp_path))
    missing = {key for shard in (tmp_path / "in").glob("*.tar") for key in keys_in(shard)[:3]}
    for _, table in written(tmp_path):
        for field in OF_IMG2DATASET:
            if field.name not in ("key", "q"):
                assert table.schema.field(field.name).type == field.type
        assert table.schema.field("q").type == pa.float64()
        for row in table.to_pylist():
            (expected,) = rows_of([row["from.key"]])
            theirs = [name for name in expected if name not in ("key", "q")]
            nothing = row["from.key"] in missing
            assert [row[n] for n in theirs] == [None if nothing else expected[n] for n in theirs]


def test_a_table_with_rows_of_some_samples_is_joined_in_every_output_shard(tmp_path: Path) -> None:
    """Also where an output shard holds none of these samples."""
    write_corpus(tmp_path)
    tables_beside(tmp_path, slice(-5, None))
    assert notes_beside(read_manifest(finished_output(config_at(tmp_path)))) == []
    joined = 0
    for _, table in written(tmp_path):
        assert table.schema.field("width").type == pa.int32()
        joined += table.column("url").drop_null().length()
    assert joined >= 5


def replaced(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    return lambda path: pq.write_table(change(pq.read_table(path)), path)


def without_keys(table: pa.Table) -> pa.Table:
    return table.drop_columns(["key"])


def doubled(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 80)])


def numbered(table: pa.Table) -> pa.Table:
    numbers = [int(key) for key in table.column("key").to_pylist()]
    return table.set_column(1, "key", pa.array(numbers))


def of_others(table: pa.Table) -> pa.Table:
    return table.set_column(1, "key", pa.array([f"x{n}" for n in range(table.num_rows)]))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    path.write_bytes(b"PAR1" + bytes(900) + path.read_bytes()[904:])


UNREADABLE = "it is no Parquet that can be read"
DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut": (cut, UNREADABLE),
    "empty": (emptied, UNREADABLE),
    "flipped": (flipped, UNREADABLE),
    "no keys": (replaced(without_keys), "it has no column 'key'"),
    "doubled keys": (replaced(doubled), "it has more than one row with the key '0"),
    "keys of numbers": (replaced(numbered), "its column 'key' holds no text"),
    "of other samples": (replaced(of_others), "none of its keys is that of a sample"),
    "no rows": (replaced(lambda table: table.slice(0, 0)), "none of its keys"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_table_that_cannot_be_used_is_said_and_the_rest_is_joined(
    tmp_path: Path, name: str
) -> None:
    write_corpus(tmp_path, samples=240, shards=2)
    tables_beside(tmp_path)
    change, sentence = DAMAGE[name]
    change(tmp_path / "in" / "00001.parquet")
    (note,) = notes_beside(read_manifest(finished_output(config_at(tmp_path))))
    assert note.startswith("the table beside 00001--")
    assert sentence in note
    for _, table in written(tmp_path):
        for row in table.to_pylist():
            joined = row.get("url") is not None
            assert joined == (stem_of(row["from.shard"]) == "00000")


def test_a_folder_beside_a_shard_is_no_table(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    (tmp_path / "in" / "00001.parquet").mkdir()
    finished_output(config_at(tmp_path))
    assert all("url" not in table.column_names for _, table in written(tmp_path))


def test_columns_of_other_types_from_shard_to_shard(tmp_path: Path) -> None:
    """Numbers are of the wider type; what does not go together is left out, and said."""
    write_corpus(tmp_path, samples=120, shards=2)
    tables_beside(tmp_path)
    path = tmp_path / "in" / "00001.parquet"
    table = pq.read_table(path)
    names = table.column_names
    table = table.set_column(
        names.index("width"), "width", table.column("width").cast(pa.float64())
    )
    numbers = pa.array(range(table.num_rows))
    pq.write_table(table.set_column(names.index("sizes"), "sizes", numbers), path)
    output = {"url": "out", "samples_per_shard": 1000}
    manifest = read_manifest(finished_output(config_at(tmp_path, output=output)))
    ((_, found),) = written(tmp_path)
    assert found.schema.field("width").type == pa.float64()
    assert "sizes" not in found.column_names
    assert notes_beside(manifest) == ["the column 'sizes' is of types that do not go together"]


def test_an_output_is_balanced_again_with_what_its_tables_say(tmp_path: Path) -> None:
    """The tables of the first output lie beside the second's input: their own columns go on."""
    write_corpus(tmp_path)
    tables_beside(tmp_path)
    first = config_at(tmp_path)
    finished_output(first)
    again = config_at(
        tmp_path, input={"shards": "out/shards/*.tar"}, output={"url": "again"}, balance={"eta": 1}
    )
    finished_output(again)
    table = pq.read_table(tmp_path / "again" / "shards" / "00000.parquet")
    assert len(set(table.column_names)) == len(table.column_names)
    assert {"url", "width", "from.key"} <= set(table.column_names)
    for row in table.to_pylist():
        assert row["url"].endswith(row["from.key"].partition("-")[0])


def test_only_what_is_asked_for_lies_beside(tmp_path: Path) -> None:
    """Tars are not written again for it; what is not asked for any more is removed."""
    write_corpus(tmp_path, samples=120)

    def beside(*names: str) -> tuple[list[str], list[str], dict[str, int]]:
        config = config_at(
            tmp_path,
            balance={"eta": 0.5},
            output={"url": "out", "samples_per_shard": 40, "beside": list(names)},
        )
        lines = said(config)
        assert said(config)[-1] == COMPLETE
        assert verify.run(output_storage(config.output), None, "", None, True, quiet())["agrees"]
        found = sorted((tmp_path / "out" / "shards").iterdir())
        tars = {path.name: path.stat().st_ino for path in found if path.suffix == ".tar"}
        return lines, [path.name for path in found if path.suffix != ".tar"], tars

    _, none, tars = beside()
    assert none == []
    lines, both, same = beside("sizes", "samples")
    assert "shards are kept, what lies beside them is not: output.beside changed" in lines
    assert both == ["00000.parquet", "00001.parquet", "sizes.json"]
    _, sizes, still = beside("sizes")
    assert sizes == ["sizes.json"]
    _, samples, last = beside("samples")
    assert samples == both[:-1]
    assert tars == same == still == last


def test_outputs_of_before_stay_complete_until_what_lies_beside_is_asked_for(
    tmp_path: Path,
) -> None:
    write_corpus(tmp_path, samples=120)
    output = {"url": "out", "samples_per_shard": 40}
    plain = config_at(tmp_path, balance={"eta": 0.5}, output=output)
    said(config_at(tmp_path, balance={"eta": 0.5}, output={**output, "beside": []}))
    out = tmp_path / "out"
    edit_json(out / "manifest.json", lambda manifest: manifest["packing"].pop("beside"))
    for record in (out / "done" / "shards").iterdir():
        edit_json(record, lambda values: values.pop("table"))
    before = tree(out)
    assert said(plain)[-1] == COMPLETE
    assert tree(out) == before
    said(config_at(tmp_path, balance={"eta": 0.5}, output={**output, "beside": "samples"}))
    assert {*tree(out)} - {*before} == {"shards/00000.parquet", "shards/00001.parquet"}


@pytest.mark.parametrize("name", ["00001.parquet", "sizes.json"])
def test_a_file_of_the_users_beside_the_shards_is_not_written_over(
    tmp_path: Path, name: str
) -> None:
    write_corpus(tmp_path, samples=120)
    mine = tmp_path / "out" / "shards" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(FairshardError, match=rf"{name} would be overwritten.*output\.beside: \[\]"):
        said(config_at(tmp_path))
    assert mine.read_text() == "mine"
    without = {"url": "out", "samples_per_shard": 40, "beside": []}
    said(config_at(tmp_path, output=without))
    assert mine.read_text() == "mine"
