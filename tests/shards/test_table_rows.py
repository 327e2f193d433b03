"""Tables as a corpus: rows as samples, what makes rejects, and what ends a run in a sentence."""

import io
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms.base.errors import ConfigError, FairshardError
from transforms.config.sections import Input, Members
from transforms.shards.runs import Reject, Sample
from transforms.shards.table_rows import read_rows

BOTH = Members()


def parquet(rows: Sequence[dict[str, Any]] | pa.Table, group: int | None = None) -> bytes:
    sink = io.BytesIO()
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows))
    pq.write_table(table, sink, row_group_size=group)
    return sink.getvalue()


def source(**given: Any) -> Input:
    return Input.model_validate({"tables": "a.parquet", **given})


def read(content: bytes, members: Members = BOTH, **given: Any) -> list[Sample | Reject]:
    fields, span = given.pop("fields", None), given.pop("span", range(2**63))
    return list(
        read_rows(
            io.BytesIO(content), source(**given), members, span, "the table a.parquet", fields
        )
    )


def documents(entries: Sequence[Sample | Reject]) -> list[Any]:
    return [json.loads(e.members["json"]) for e in entries if isinstance(e, Sample)]


def test_a_row_is_a_sample_with_its_caption_and_its_columns() -> None:
    rows = [{"key": "a", "caption": "a fox", "n": 1}, {"key": "b", "caption": "ein Ö", "n": None}]
    found = read(parquet(rows))
    assert [(e.key, e.offset, e.size) for e in found if isinstance(e, Sample)] == [
        ("a", 0, 1),
        ("b", 1, 1),
    ]
    assert [e.members["txt"].decode() for e in found if isinstance(e, Sample)] == ["a fox", "ein Ö"]
    assert documents(found) == rows


@pytest.mark.parametrize(
    ("rows", "given", "keys"),
    [
        ([{"key": "k", "uid": "u", "text": "x"}], {}, ["k"]),
        ([{"uid": "u", "TEXT": "x"}], {}, ["u"]),
        ([{"text": "x"}, {"text": "y"}], {}, ["000000000", "000000001"]),
        ([{"id": 7, "text": "x"}], {"key_column": "id"}, ["7"]),
        ([{"id": 7.0, "text": "x"}, {"id": 2.5, "text": "x"}], {"key_column": "id"}, ["7", "2.5"]),
        ([{"id": b"\xc3\xb6", "text": "x"}], {"key_column": "id"}, ["ö"]),
        ([{"key": "a.b/c", "text": "x"}], {}, ["a.b/c"]),
    ],
)
def test_keys_are_a_column_or_the_number_of_the_row(
    rows: list[dict[str, Any]], given: dict[str, Any], keys: list[str]
) -> None:
    assert [entry.key for entry in read(parquet(rows), **given)] == keys


def test_columns_are_what_json_would_have() -> None:
    row = {
        "caption": "x",
        "at": datetime(2020, 1, 2, 3, 4, tzinfo=UTC),
        "day": date(2020, 1, 2),
        "price": Decimal("1.50"),
        "whole": Decimal(3),
        "raw": b"\xff",
        "nested": {"list": [{"a": 1}, None], "nothing": None},
        "big": 2**62,
        "truth": True,
    }
    table = pa.Table.from_pylist([row]).append_column(
        "scores", pa.array([[("a", 0.5)]], pa.map_(pa.string(), pa.float64()))
    )
    (found,) = documents(read(parquet(table)))
    assert found == {
        "caption": "x",
        "at": "2020-01-02T03:04:00+00:00",
        "day": "2020-01-02",
        "price": 1.5,
        "whole": 3,
        "raw": "\ufffd",
        "nested": {"list": [{"a": 1}, None], "nothing": None},
        "big": 2**62,
        "truth": True,
        "scores": {"a": 0.5},
    }


def test_only_what_is_wanted_is_read() -> None:
    content = parquet([{"key": "a", "caption": "x", "n": 1, "m": 2}])
    (captions,) = read(content, Members(image=(), metadata=()))
    assert isinstance(captions, Sample) and [*captions.members] == ["txt"]
    (fields,) = read(content, Members(image=(), caption=()), fields={"m", "absent"})
    assert isinstance(fields, Sample) and fields.members == {"json": b'{"m": 2}'}


def test_a_caption_may_lie_within_a_column() -> None:
    rows = [{"texts": {"en": "a fox"}}, {"texts": {"en": None}}, {"texts": None}]
    found = read(parquet(rows), caption_field="texts.en")
    assert isinstance(found[0], Sample) and found[0].members["txt"] == b"a fox"
    assert found[1:] == [
        Reject(f"00000000{n}", "caption", "its column texts.en holds no text") for n in (1, 2)
    ]


@pytest.mark.parametrize(
    ("rows", "given", "error"),
    [
        (
            [{"key": None, "text": "x"}, {"key": "b", "text": "x"}],
            {},
            "row 0 has no key: its colum",
        ),
        ([{"key": "a", "text": "x"}, {"key": "a", "text": "y"}], {}, "its key occurred before in"),
        ([{"key": "a\nb", "text": "x"}], {}, "its key 'a\\nb' holds a control character"),
        ([{"key": "a", "text": None}], {}, "its column text holds no text"),
        ([{"key": "a", "text": 5}], {}, "its column text holds no text"),
        (
            [{"key": "a", "text": "x" * 9}],
            {"limits": {"max_caption_bytes": 8}},
            "its caption has 9 ",
        ),
        (
            [{"key": "a", "text": "x"}],
            {"limits": {"max_metadata_bytes": 8}},
            "its metadata has 25 b",
        ),
        ([{"key": "a" * 9, "text": "x"}], {"limits": {"max_name_bytes": 8}}, "its key has 9 bytes"),
        ([{"key": float("nan"), "text": "x"}], {}, "row 0 has no key"),
    ],
)
def test_what_a_row_lacks_rejects_it_alone(
    rows: list[dict[str, Any]], given: dict[str, Any], error: str
) -> None:
    (reject,) = [entry for entry in read(parquet(rows), **given) if isinstance(entry, Reject)]
    assert reject.error.startswith(error)
    assert reject.loss is None


def test_text_that_is_not_utf8_rejects_its_row_alone() -> None:
    raw = pa.array([b"good", b"\xff\xfe", b"fine"], pa.binary())
    texts = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    content = parquet(pa.table({"key": ["a", "b", "c"], "caption": texts}))
    found = read(content, Members(image=(), metadata=()))
    assert [type(entry) for entry in found] == [Sample, Reject, Sample]


@pytest.mark.parametrize(
    ("columns", "given", "said"),
    [
        (
            {"url": "x"},
            {},
            "has no column of captions (caption, text, TEXT): name it in input.capt",
        ),
        (
            {"caption": "x"},
            {"caption_field": "captoin"},
            "no column 'captoin': correct input.caption",
        ),
        ({"caption": "x"}, {"key_column": "ky"}, "has no column 'ky': correct input.key_column"),
        (
            {"caption": "x", "sample_id": 1},
            {"key_column": "sampleid"},
            "; did you mean 'sample_id'?",
        ),
    ],
)
def test_a_column_that_is_not_there_is_a_sentence(
    columns: dict[str, Any], given: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(parquet([columns]), **given)
    assert said in str(caught.value) and str(caught.value).startswith("the table a.parquet has no ")


def test_a_column_that_is_there_twice_is_a_sentence() -> None:
    names = ["key", "caption", "url", "url"]
    twice = parquet(pa.Table.from_arrays([pa.array(["x"])] * 4, names=names))
    assert len(read(twice, fields=[])) == 1
    with pytest.raises(ConfigError, match=r"a\.parquet has two columns that are named 'ur"):
        read(twice)


def test_more_rows_than_the_limit_are_a_sentence() -> None:
    with pytest.raises(FairshardError, match=r"holds 3 rows, more than input\.limits\.max_entries"):
        read(parquet([{"text": "x"}] * 3), limits={"max_entries": 2})


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not Parquet at all", parquet([{"a": 1}])[:-9]])
def test_what_is_no_parquet_is_lost_as_a_damaged_shard(content: bytes) -> None:
    (reject,) = read(content)
    assert isinstance(reject, Reject)
    assert (reject.key, reject.stage) == ("", "read")
    assert reject.loss is not None and reject.loss.offset == 0
    assert not read(content, span=range(5, 10))


def test_rows_before_damage_are_kept() -> None:
    content = bytearray(parquet([{"text": f"a picture {n}"} for n in range(30)], group=10))
    begin = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(1).column(0)
    start = begin.dictionary_page_offset or begin.data_page_offset
    content[start : start + 40] = bytes(40)
    found = read(bytes(content))
    assert [entry.key for entry in found[:-1]] == [f"{n:09d}" for n in range(10)]
    last = found[-1]
    assert isinstance(last, Reject) and last.loss is not None and last.loss.offset == start
    assert last.error.startswith("its rows from 10 on cannot be read: ")


@pytest.mark.parametrize("cut", [0, 1, 200, 777])
def test_parts_give_what_the_whole_gives(cut: int) -> None:
    rows = [{"key": f"k{n % 25}", "text": f"a picture {n}"} for n in range(30)]
    content = parquet(rows, group=4)
    whole = read(content)
    parts = [*read(content, span=range(cut)), *read(content, span=range(cut, 2**63))]
    assert parts == whole
    assert sum(isinstance(entry, Reject) for entry in whole) == 5
