"""Tables in Parquet, CSV and JSON lines: what is read of them, and what is said where it is not."""

import bz2
import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.servers import web
from tests.tables.joins import table_of
from transforms.base.errors import ChangedInputError, ConfigError, FairshardError
from transforms.tables import csv_rows, parquet_rows, sources
from transforms.tables.sources import TableFiles


def rows_in(table: TableFiles) -> pa.Table:
    """All rows of a table, in order."""
    return pa.concat_tables(batch for file in table.files() for batch in table.batches(file))


def values_in(table: TableFiles, column: str = "p") -> dict[str, Any]:
    """A column by key."""
    found = rows_in(table)
    pairs = zip(found.column(0).to_pylist(), found.column(column).to_pylist(), strict=True)
    return {key: value for key, value in pairs if key is not None}


def refused(table: TableFiles) -> str:
    """What is said of a table that cannot be read, which is one line without a traceback."""
    with pytest.raises(FairshardError) as error:
        rows_in(table)
    assert "\n" not in str(error.value)
    return str(error.value)


CSV = b'\xef\xbb\xbfkey,"p",q\r\n007,"a, ""b""\nc",1\r\n,lost,2\r\n8,,3\r\n'
JSON = b'{"key": 7, "p": "x", "o": {"s": [{"n": 1}, {"n": 2}]}}\n\n{"key": 7.0}\n{"p": "lost"}\n'


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.csv", bytes), ("a.csv.gz", gzip.compress), ("a.CSV.bz2", bz2.compress)],
)
def test_csv_is_text_with_its_quotes_and_lines(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / name).write_bytes(pack(CSV))
    assert values_in(table_of(tmp_path)) == {"007": 'a, "b"\nc', "8": ""}


@pytest.mark.parametrize("between", ["\t", ";", "|"])
def test_other_separators_are_found_out(tmp_path: Path, between: str) -> None:
    (tmp_path / "a.tsv").write_text(f"p{between}key\nx,y{between}1\n")
    assert values_in(table_of(tmp_path)) == {"1": "x,y"}


def test_csv_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "_BLOCK_BYTES", 100)
    (tmp_path / "a.csv").write_text("key,p\n" + "".join(f'{n},"{n}\n"\n' for n in range(999)))
    table = table_of(tmp_path)
    assert len([*table.batches(table.files()[0])]) > 50
    assert values_in(table) == {str(n): f"{n}\n" for n in range(999)}


@pytest.mark.parametrize("content", ["key,p", "key,p\n", "key,p\r\n", 'key,p,"x\ny"\n'])
def test_a_header_alone_is_an_empty_table(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    assert values_in(table_of(tmp_path)) == {}


@pytest.mark.parametrize(("name", "pack"), [("a.jsonl", bytes), ("a.ndjson.gz", gzip.compress)])
def test_json_lines_descend_into_objects_and_lists(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / name).write_bytes(pack(JSON))
    found = rows_in(table_of(tmp_path, ["p", "o.s.n", "none"]))
    assert found.to_pydict() == {
        "key": ["7", "7", None],
        "p": ["x", None, "lost"],
        "o.s.n": [[1, 2], None, None],
        "none": [None, None, None],
    }


def test_json_lines_are_read_some_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.tables.json_rows._LINES_AT_ONCE", 2)
    lines = [{"key": n, "p": value} for n, value in enumerate([1, None, 2.5, [3, 4], 2**70])]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    table = table_of(tmp_path)
    assert [batch.column("p").to_pylist() for batch in table.batches(table.files()[0])] == [
        [1, None],
        [[2.5], [3, 4]],
        [2.0**70],
    ]


def test_parquet_gives_fields_of_structs_and_whole_columns(tmp_path: Path) -> None:
    table = pa.table(
        {
            "key": pa.array([1.0, 2.0, None]),
            "box": [{"s": 0.5, "l": [1]}, {"s": None, "l": None}, {"s": 1.0, "l": []}],
            "a.b": ["x", "y", "z"],
            "p": pa.array(["u", "v", "w"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1)
    found = rows_in(table_of(tmp_path, ["p", "box.s", "box.l", "a.b"]))
    assert found.to_pydict() == {
        "key": ["1", "2", None],
        "p": ["u", "v", "w"],
        "box.s": [0.5, None, 1.0],
        "box.l": [[1], None, []],
        "a.b": ["x", "y", "z"],
    }


def test_large_parquet_files_are_read_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_PART_BYTES", 1000)
    monkeypatch.setattr(parquet_rows, "_ROWS_AT_ONCE", 30)
    table = pa.table({"key": range(1000), "p": range(1000)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=70)
    found = table_of(tmp_path)
    assert len(found.files()) > 5
    assert rows_in(found).column("p").to_pylist() == [*range(1000)]


def test_columns_may_be_named_as_the_key_is(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"], "key": [5]}), tmp_path / "a.parquet")
    found = rows_in(table_of(tmp_path, ["key", "id"], key="id"))
    assert [column.to_pylist() for column in found.columns] == [["a"], [5], ["a"]]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "it is empty: its first line should name the columns"),
        ("a.csv", b"key,prob\n1,2\n", "has no column 'p'; it has key, prob"),
        ("a.csv", b"keys,p\n1,2\n", "has no column 'key'; did you mean 'keys'?"),
        ("a.csv", b"key,p,p\n1,2,3\n", "has several columns 'p': give each its own name"),
        ("a.csv", b"key,p\n1\n", "CSV parse error: Row #2: Expected 2 columns, got 1: 1"),
        ("a.csv", b"key,p\n1,\xff\n", "invalid UTF8 data"),
        ("a.csv", "key,p\n1,2\n".encode("utf-16"), "it is text in UTF-16, and should be text"),
        ("a.csv", b"PAR1....", "it is a Parquet file, and should be text in UTF-8"),
        ("a.csv.gz", gzip.compress(b"key,p\n" + os.urandom(900))[:-300], "cannot be read: "),
        ("a.csv.bz2", bz2.compress(b"key,p\n1,2\n")[:-9], "cannot be read: "),
        ("a.jsonl", b'{"key": 1}\n[1]\n', "line 2 holds no JSON object"),
        ("a.jsonl", b'{"key": 1}\n{"key"\n', "line 2 is not JSON: "),
        ("a.jsonl", b'{"key": 1, "p": "\xff"}\n', "line 1 is not JSON: "),
        ("a.jsonl", b'{"key": 1, "p": {"a": 1}}\n', "the column 'p' holds objects"),
        ("a.jsonl", b'{"key": 1, "p": 1}\n{"key": 2, "p": "1"}\n', "whole numbers and texts"),
        ("a.parquet", b"PAR1", "cannot be read: "),
        ("a.parquet", b"", "cannot be read: "),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    told = refused(table_of(tmp_path))
    assert said in told
    assert str(tmp_path / name) in told
    assert told.startswith("the table persons: ")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"key": [1], "q": [1]}, "has no column 'p'; it has key, q"),
        ({"key": [1], "p": [{"a": 1}]}, "its column 'p': it holds struct<a: int64>: name a field"),
        ({"key": [[1]], "p": [1]}, "its key: it holds list<"),
        ({"key": [b"\xff"], "p": [1]}, "its key: it holds binary that is no text in UTF-8"),
    ],
)
def test_what_is_wrong_with_columns_is_said(
    tmp_path: Path, columns: dict[str, list[Any]], said: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert said in refused(table_of(tmp_path))


def test_a_damaged_file_is_said_to_be(tmp_path: Path) -> None:
    pq.write_table(pa.table({"key": range(9000), "p": range(9000)}), tmp_path / "a.parquet")
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[20:4000] = bytes(3980)
    (tmp_path / "a.parquet").write_bytes(content)
    assert f"its file {tmp_path}/a.parquet cannot be read: " in refused(table_of(tmp_path))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("*.parquet", "matches no file: correct it"),
        ("none/*", "matches no file: correct it"),
        ("d*", "matches no file but folders: name the files in them"),
        ("dir", "dir is a folder: name the files in it, as "),
        ("a.txt", "a.txt is not named as a table is: give its format"),
        ("a*", "a.txt, which is not named as a table is: narrow the pattern"),
        ("b.csv", "b.csv does not exist: correct tables.persons.url"),
        ("{a,b", "the braces in "),
        ("pipe:cat a.csv", "tables.persons.url: a pipe: runs a command"),
        ("[ac].{csv,jsonl}", "a.csv is csv and "),
        ("lost*", "which is no file, or a link to what does not exist"),
        ("nowhere://a.csv", "tables.persons.url: nowhere://a.csv cannot be read: "),
    ],
)
def test_patterns_that_name_no_table_are_refused(tmp_path: Path, url: str, said: str) -> None:
    for name in ("a.txt", "a.csv", "c.jsonl"):
        (tmp_path / name).write_text("key,p\n")
    (tmp_path / "dir").mkdir()
    (tmp_path / "lost.csv").symlink_to(tmp_path / "away")
    whole = url if ":" in url else f"{tmp_path}/{url}"
    with pytest.raises(FairshardError) as error:
        table_of(tmp_path, url=whole).files()
    assert said in str(error.value)


def test_files_are_found_once_in_the_order_of_their_urls(tmp_path: Path) -> None:
    for name in ("b/2.csv", "a/10.csv", "a/2.csv", "a/_SUCCESS", "a/.hidden.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("key,p\n")
    urls = [f"{tmp_path}/**/*", f"{tmp_path}/{{a,b}}/2.csv", f"{tmp_path}/a/../b/2.csv"]
    found = [file.url for file in table_of(tmp_path, url=urls).files()]
    assert found == [f"{tmp_path}/{name}" for name in ("a/10.csv", "a/2.csv", "b/2.csv")]


def test_any_name_is_of_the_format_that_is_given(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("key,p\n1,2\n")
    assert values_in(table_of(tmp_path, format="csv")) == {"1": "2"}


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("key,p\n1,2\n")
    table = table_of(tmp_path)
    file = table.files()[0]
    os.utime(tmp_path / "a.csv", (1, 1))
    with pytest.raises(ChangedInputError, match=re.escape(f"{tmp_path}/a.csv changed while")):
        [*table.batches(file)]
    (tmp_path / "a.csv").write_text("key,p\n")
    with pytest.raises(FairshardError, match="ends after 6 of its 10 bytes"):
        [*table.batches(file)]
    (tmp_path / "a.csv").unlink()
    with pytest.raises(FairshardError, match=r"the table file .*a.csv does not exist: restore it"):
        [*table.batches(file)]


def test_tables_on_the_web_keep_their_secrets(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("key,p\n1,2\n")
    pq.write_table(pa.table({"key": [1], "p": [2]}), tmp_path / "a.parquet")
    with web(tmp_path) as url:
        assert values_in(table_of(tmp_path, url=f"{url}/a.csv?token=secret1")) == {"1": "2"}
        assert values_in(table_of(tmp_path, url=f"{url}/a.parquet?token=secret1")) == {"1": 2}
        with pytest.raises(FairshardError) as error:
            table_of(tmp_path, url=f"{url}/b.csv?token=secret1").files()
        assert "secret1" not in str(error.value)
        assert "secret1" not in refused(table_of(tmp_path, ["z"], url=f"{url}/a.csv?token=secret1"))


def test_only_a_config_error_is_the_users(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("key,q\n1,2\n")
    with pytest.raises(ConfigError):
        rows_in(table_of(tmp_path))
