"""The join of tables and samples: what a plain dictionary would give, however the work is split."""

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tables.joins import Row, Samples, join, lists_of, shards_of, table_of, write_rows
from transforms.base.errors import ChangedInputError, ConfigError, FairshardError, StaleError
from transforms.storage import paths
from transforms.storage.files import Storage
from transforms.tables import layouts, matching, partitioning
from transforms.tables.counts import TableCounts, doubts, smallest
from transforms.tables.joining import ROWS, tasks_of
from transforms.tables.tasks import RowTask

KEYS = st.sampled_from(["a", "b", "c", "0", "00", "ä", "long " * 9, "\U0001f600", "g,h", 'q"q'])
ROW = st.fixed_dictionaries({"key": KEYS | st.none(), "p": st.integers(-9, 9) | st.none()})


@contextmanager
def small(run: int = 1, part: int = 1, bucket: int = 300, samples: int = 3) -> Iterator[None]:
    """Work is split as that of large tables is."""
    with (
        patch.object(partitioning, "_RUN_BYTES", run),
        patch.object(layouts, "_TASK_BYTES", (part, part)),
        patch.object(layouts, "_BUCKET_BYTES", bucket),
        patch.object(layouts, "_GROUP_SAMPLES", samples),
        patch.object(matching, "_SAMPLES_AT_ONCE", samples),
    ):
        yield


def naive(rows: list[Row], samples: Samples, column: str) -> dict[str, list[list[Any] | None]]:
    """What a dictionary gives."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        if row["key"]:
            found.setdefault(row["key"], []).append(row["p"])
    return {stem: [found.get(one[column]) for one in of] for stem, of in samples.items()}


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_it_is_what_a_dictionary_gives_however_the_work_is_split(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("join")
    files = data.draw(st.lists(st.lists(ROW, max_size=6), min_size=1, max_size=4))
    keys = data.draw(st.lists(st.lists(KEYS | st.none(), max_size=5), min_size=1, max_size=5))
    samples = {
        f"{number:05d}": [{"key": f"{place}", "field.uid": key} for place, key in enumerate(shard)]
        for number, shard in enumerate(keys)
    }
    extension = data.draw(st.sampled_from(["parquet", "csv", "jsonl"]))
    for number, rows in enumerate(files):
        write_rows(folder / "t" / f"{number}x.{extension}", rows, ("key", "p"))
    table = table_of(folder / "t", key={"column": "key", "field": "uid"})
    wanted = naive([row for rows in files for row in rows], samples, "field.uid")
    outcomes = []
    for number in range(2):
        order = random.Random(data.draw(st.integers(0, 99)))
        sizes = {
            "run": data.draw(st.sampled_from([1, 10**6])),
            "part": data.draw(st.sampled_from([1, 10**6])),
            "bucket": data.draw(st.sampled_from([100, 500, 10**6])),
            "samples": data.draw(st.integers(1, 9)),
        }
        with small(**sizes), no_complaints():
            outcomes.append(join([table], samples, Storage(f"memory:/{folder}/{number}"), order))
    assert lists_of(outcomes[0]) == wanted
    assert outcomes[0].shards == outcomes[1].shards
    assert outcomes[0].counts == outcomes[1].counts
    check_counts(outcomes[0].counts[0], [row for rows in files for row in rows], samples)
    shutil.rmtree(folder)
    fsspec.filesystem("memory").rm(str(folder), recursive=True)


@contextmanager
def no_complaints() -> Iterator[None]:
    """Nothing matches in many small examples."""
    with patch("transforms.tables.joining.require_matches"):
        yield


def check_counts(counts: TableCounts, rows: list[Row], samples: Samples) -> None:
    keys = [row["key"] for row in rows if row["key"]]
    wanted = [one["field.uid"] for of in samples.values() for one in of]
    there = {key for key in wanted if key}
    assert counts.with_row == sum(key in set(keys) for key in wanted)
    assert counts.without_row == len(wanted) - counts.with_row
    assert counts.keyless == sum(not key for key in wanted)
    assert counts.keyless_rows == len(rows) - len(keys)
    assert counts.empty == (() if any(row["p"] is not None for row in rows) else ("p",))
    assert (counts.rows, counts.keys) == (len(keys), len(set(keys)))
    assert counts.unmatched_rows == sum(key not in there for key in keys)
    assert counts.unmatched_keys == len(set(keys) - there) == min(5, len(counts.of_rows)) or (
        counts.unmatched_keys > len(counts.of_rows) == 5
    )
    assert set(counts.of_rows) <= set(keys) - there
    assert set(counts.of_samples) <= there - set(keys)


def corpus(shards: int = 4, each: int = 3) -> Samples:
    """Shards whose samples have keys of their own, and uids."""
    return {
        f"{shard:05d}": [
            {"key": f"{shard:05d}{n:04d}", "field.uid": f"u{shard}{n}"} for n in range(each)
        ]
        for shard in range(shards)
    }


def rows_of(samples: Samples) -> list[Row]:
    """A row for each sample, numbered."""
    keys = [one["key"] for of in samples.values() for one in of]
    return [{"key": key, "p": number} for number, key in enumerate(keys)]


def written(storage: Storage) -> dict[str, float]:
    """When each file of a join was written."""
    return storage.written(paths.TABLES) | storage.written(paths.JOINS)


@pytest.mark.parametrize("done", [1, 2, 4, 8])
def test_a_killed_join_goes_on_and_a_done_one_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    samples = corpus()
    rows = rows_of(samples)
    for number in range(3):
        write_rows(tmp_path / "t" / f"{number}.parquet", rows[number::3], ("key", "p"))
    table, storage = table_of(tmp_path / "t"), Storage(f"{tmp_path}/out")
    published: list[str] = []
    publishing = Storage.publishing

    def dying(self: Storage, name: str) -> Any:
        if len(published) == done:
            raise KeyboardInterrupt
        published.append(name)
        return publishing(self, name)

    with small():
        monkeypatch.setattr(Storage, "publishing", dying)
        with pytest.raises(KeyboardInterrupt):
            join([table], samples, storage)
        monkeypatch.undo()
        before = written(storage)
        whole = join([table], samples, storage)
        after = written(storage)
        assert before.items() <= after.items()
        again = join([table], samples, storage)
        assert again.shards == whole.shards
        assert written(storage) == after
    assert [each for of in lists_of(whole).values() for each in of] == [[n] for n in range(12)]


def test_tables_are_kept_and_the_rest_is_forgotten(tmp_path: Path) -> None:
    samples = corpus()
    write_rows(tmp_path / "t" / "a.csv", [{"key": "000000000", "p": 1}], ("key", "p"))
    storage = Storage(f"{tmp_path}/out")
    join([table_of(tmp_path / "t")], samples, storage, keep=False)
    assert storage.names(paths.JOINS) == ()
    kept = storage.names(paths.TABLES)
    assert len(kept) == 3
    times = storage.written(paths.TABLES)
    join([table_of(tmp_path / "t")], samples, storage, keep=False)
    assert storage.written(paths.TABLES) == times
    (task,) = tasks_of(0, [table_of(tmp_path / "t")], shards_of(samples), [], storage)
    assert task == RowTask("persons", task.digest, None, (), 1)


def test_many_rows_of_a_sample_are_in_the_order_of_the_files(tmp_path: Path) -> None:
    samples = {"a": [{"key": "x"}], "b": [{"key": "y"}]}
    for number in range(3):
        rows = [{"key": "xy"[n % 2], "p": 1000 * number + n} for n in range(1000)]
        write_rows(tmp_path / "t" / f"{number}.parquet", rows, ("key", "p"))
    for order in range(3):
        storage = Storage(f"{tmp_path}/{order}")
        with small(bucket=10**6):
            found = join([table_of(tmp_path / "t")], samples, storage, random.Random(order))
        wanted = [1000 * number + n for number in range(3) for n in range(1000)]
        assert lists_of(found) == {"a": [wanted[::2]], "b": [wanted[1::2]]}


def test_rows_without_a_key_are_counted_and_left(tmp_path: Path) -> None:
    rows = [{"key": key, "p": p} for key, p in ((None, 1), ("x", " 2"), ("y", "NA"), (None, 3))]
    write_rows(tmp_path / "t" / "t.csv", rows, ("key", "p"))
    samples = {"a": [{"key": "x"}, {"key": "y"}]}
    found = join([table_of(tmp_path / "t")], samples, Storage(f"{tmp_path}/out"))
    assert lists_of(found) == {"a": [[2], [None]]}
    assert (found.counts[0].rows, found.counts[0].keyless_rows) == (2, 2)


def test_groups_are_of_about_the_root_of_the_shards_or_of_as_many_samples_as_fit() -> None:
    shards = shards_of({f"{number}": [{}] for number in range(10)})
    assert [first for first, _ in layouts.groups_in(shards)] == [0, 4, 8]
    with small(samples=2):
        assert [len(group) for _, group in layouts.groups_in(shards)] == [2] * 5
    with small(samples=0):
        assert [len(group) for _, group in layouts.groups_in(shards)] == [1] * 10
    assert layouts.groups_in([]) == []


def test_several_tables_join_each_by_its_own_key(tmp_path: Path) -> None:
    samples = corpus(2, 2)
    write_rows(tmp_path / "k" / "a.csv", [{"key": "000010001", "p": 1}], ("key", "p"))
    write_rows(tmp_path / "u" / "a.jsonl", [{"uid": "u00", "q": [1, 2]}], ("uid", "q"))
    write_rows(
        tmp_path / "m" / "a.parquet",
        [{"tar": "x/00001.tar", "file": "000010000.face.jpg", "key": n} for n in (1, 2)],
        ("tar", "file", "key"),
    )
    by_uid = table_of(tmp_path / "u", ["q"], key={"column": "uid", "field": "uid"})
    by_member = table_of(tmp_path / "m", ["key"], key=["tar", "file"])
    tables = [
        table_of(tmp_path / "k"),
        type(by_uid)("uids", by_uid.source, by_uid.columns),
        type(by_member)("members", by_member.source, by_member.columns),
    ]
    found = join(tables, samples, Storage(f"{tmp_path}/out"))
    assert lists_of(found) == {"00000": [None, None], "00001": [None, [1]]}
    assert lists_of(found, "q", "uids") == {"00000": [[[1, 2]], None], "00001": [None, None]}
    assert lists_of(found, "key", "members") == {"00000": [None, None], "00001": [[1, 2], None]}
    assert found.shards["00001"]["members"].column(ROWS).to_pylist() == [2, 0]


@pytest.mark.parametrize("extension", ["parquet", "csv", "jsonl"])
def test_files_named_as_shards_join_shard_by_shard(tmp_path: Path, extension: str) -> None:
    samples = {stem: [{"key": "0"}, {"key": "1"}] for stem in ("a", "b", "c")}
    for number, stem in enumerate(samples):
        rows = [{"key": "1", "p": number}, {"key": None, "p": 9}, {"key": "9", "p": 0.5}]
        write_rows(tmp_path / "t" / f"{stem}.{extension}", rows, ("key", "p"))
    storage = Storage(f"{tmp_path}/out")
    with small():
        found = join([table_of(tmp_path / "t")], samples, storage, random.Random(1))
    assert lists_of(found) == {"a": [None, [0]], "b": [None, [1]], "c": [None, [2]]}
    assert not [name for name in storage.names(paths.TABLES) if name.endswith(".parquet")]
    counts = found.counts[0]
    assert (counts.with_row, counts.without_row, counts.unmatched_rows) == (3, 3, 3)
    assert counts.keyless_rows == 3


def test_fewer_files_than_shards_are_of_them_only_where_that_is_said(tmp_path: Path) -> None:
    samples = {stem: [{"key": stem}] for stem in ("a", "b")}
    write_rows(tmp_path / "t" / "a.csv", [{"key": "b", "p": 1}, {"key": "a", "p": 2}], ("key", "p"))
    found = join([table_of(tmp_path / "t")], samples, Storage(f"{tmp_path}/out"))
    assert lists_of(found) == {"a": [[2]], "b": [[1]]}
    found = join([table_of(tmp_path / "t", layout="shards")], samples, Storage(f"{tmp_path}/out"))
    assert lists_of(found) == {"a": [[2]], "b": [None]}


def test_files_that_are_named_as_shards_by_chance_are_said_to_be(tmp_path: Path) -> None:
    samples = {"a": [{"key": "x"}], "b": [{"key": "y"}]}
    for stem, key in (("a", "y"), ("b", "x")):
        write_rows(tmp_path / "t" / f"{stem}.csv", [{"key": key, "p": 1}], ("key", "p"))
    with pytest.raises(FairshardError, match="taken to be of the shard of its name, which layout"):
        join([table_of(tmp_path / "t")], samples, Storage(f"{tmp_path}/out"))
    found = join([table_of(tmp_path / "t", layout="any")], samples, Storage(f"{tmp_path}/out"))
    assert lists_of(found) == {"a": [[1]], "b": [[1]]}


def test_a_layout_that_cannot_be_is_refused(tmp_path: Path) -> None:
    for name in ("x/a", "y/a", "z/c"):
        write_rows(tmp_path / f"{name}.csv", [{"key": "0", "p": 1}], ("key", "p"))
    samples = {"a": [{"key": "0"}], "b": [{"key": "1"}]}
    storage = Storage(f"{tmp_path}/out")
    for url, said in (
        ("*", "several files or shards are named a: say"),
        ("z", "files are named as c, shards as a"),
    ):
        table = table_of(tmp_path, url=f"{tmp_path}/{url}/*.csv", layout="shards")
        with pytest.raises(ConfigError, match=f"tables.persons.layout: .*{said}"):
            join([table], samples, storage)
    found = join([table_of(tmp_path, url=f"{tmp_path}/*/*.csv")], samples, storage)
    assert lists_of(found) == {"a": [[1, 1, 1]], "b": [None]}


def test_a_key_of_two_shards_is_refused_with_the_way_out(tmp_path: Path) -> None:
    samples = {stem: [{"key": "0", "field.uid": "x"}, {"key": "1"}] for stem in ("a", "b", "c")}
    write_rows(tmp_path / "t" / "t.csv", [{"key": "1", "p": 1}, {"key": "0", "p": 1}], ("key", "p"))
    for order in range(3):
        with small(samples=(1, 2, 99)[order]), pytest.raises(ConfigError) as refused:
            storage = Storage(f"{tmp_path}/out{order}")
            join([table_of(tmp_path / "t")], samples, storage, random.Random(order))
        assert "a--000000000000 and b--000000000001, have the key '" in str(refused.value)
        assert "key: [tar, member]" in str(refused.value)
    write_rows(tmp_path / "u" / "t.csv", [{"key": "x", "p": 1}], ("key", "p"))
    by_uid = table_of(tmp_path / "u", key={"column": "key", "field": "uid"})
    found = join([by_uid], samples, Storage(f"{tmp_path}/fields"))
    assert lists_of(found) == {stem: [[1], None] for stem in "abc"}


def test_a_key_that_no_row_has_may_be_of_two_shards(tmp_path: Path) -> None:
    samples = {stem: [{"key": "0"}, {"key": stem}] for stem in ("a", "b")}
    write_rows(tmp_path / "t" / "t.csv", [{"key": "b", "p": 1}], ("key", "p"))
    found = join([table_of(tmp_path / "t")], samples, Storage(f"{tmp_path}/out"))
    assert lists_of(found) == {"a": [None, None], "b": [None, [1]]}


@pytest.mark.parametrize("layout", ["shards", "any"])
@pytest.mark.parametrize("largest", [2**63 - 1, 2**64 - 1])
def test_unsigned_numbers_are_as_they_are_told(tmp_path: Path, layout: str, largest: int) -> None:
    samples = {"a": [{"key": "x"}, {"key": "y"}]}
    columns = {"key": ["x", "y"], "p": pa.array([5, largest], pa.uint64())}
    (tmp_path / "t").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "t" / "a.parquet")
    found = join([table_of(tmp_path / "t", layout=layout)], samples, Storage(f"{tmp_path}/out"))
    number = float if largest > 2**63 else int
    assert lists_of(found) == {"a": [[5], [number(largest)]]}


@pytest.mark.parametrize(
    ("of_samples", "of_rows", "cause"),
    [
        ("000{}", "{}", "those of samples have leading zeros"),
        ("k{}", "k{}.jpg", "those of rows end in an extension"),
        ("k{}", "K{}", "those of rows have capital letters"),
        ("k{}", "00000/k{}", "those of rows have a folder or tar before them"),
        ("ab-{}", "ab{}", "those of samples have hyphens"),
        ("k{}", "{}", "those of samples are no numbers, and those of rows are"),
        ("{}", "{}.0", "those of rows end in .0, and those of samples do not"),
    ],
)
def test_where_nothing_matches_keys_of_both_sides_are_shown(
    tmp_path: Path, of_samples: str, of_rows: str, cause: str
) -> None:
    samples = {"a": [{"key": of_samples.format(n)} for n in range(7)]}
    rows = [{"key": of_rows.format(n), "p": 1} for n in range(10, 20)]
    write_rows(tmp_path / "t" / "t.jsonl", rows, ("key", "p"))
    with pytest.raises(FairshardError, match=cause) as refused:
        join([table_of(tmp_path / "t")], samples, Storage(f"{tmp_path}/out"))
    assert "the table persons has a row for no sample: samples have keys as '" in str(refused.value)
    assert str(refused.value).count("', '") == 8


def test_a_table_without_rows_and_samples_without_the_field_are_told(tmp_path: Path) -> None:
    samples = {"a": [{"key": "0"}]}
    write_rows(tmp_path / "t" / "t.csv", [], ("key", "p"))
    with pytest.raises(FairshardError, match="no row of it has a key"):
        join([table_of(tmp_path / "t")], samples, Storage(f"{tmp_path}/out"))
    write_rows(tmp_path / "u" / "t.csv", [{"key": "0", "p": 1}], ("key", "p"))
    table = table_of(tmp_path / "u", key={"column": "key", "field": "uid"})
    with pytest.raises(FairshardError, match="no sample has what it is joined by"):
        join([table], samples, Storage(f"{tmp_path}/out"))


def test_examples_are_the_same_however_often_and_where_keys_come() -> None:
    keys = pa.array(["b"] * 20 + list("aabbccddeeff"))
    wanted = smallest(pa.array(list("fedcba")))
    assert len(wanted) == 5
    assert smallest(keys) == wanted
    for cut in range(0, 32, 5):
        assert smallest(keys.slice(cut), smallest(keys.slice(0, cut))) == wanted


def test_hardly_any_matches_are_doubted(tmp_path: Path) -> None:
    few = TableCounts("persons", 1, 999, 0, 5, 4, 5, 4, ("s1",), ("R1",))
    assert [*doubts([few])] == [
        "the table persons has rows for 1 of 1,000 samples, and 4 rows of its 5 are of none: "
        "samples have keys as 's1', and rows as 'R1'; those of rows have capital letters, and "
        "those of samples do not"
    ]
    strange = TableCounts("persons", 9, 1, 0, 9, keyless_rows=1, empty=("p",))
    assert [*doubts([strange])] == [
        "the table persons has 1 row without a key, beside 9 with one: see the column that its key "
        "is in",
        "the column 'p' of the table persons has no value in any row: see how it is spelt in the "
        "table's files",
    ]
    assert not [*doubts([TableCounts("persons", 999, 1, 0, 5, 4, 5, 4, ("s1",), ("R1",))])]


def test_types_of_all_files_are_one_or_a_sentence(tmp_path: Path) -> None:
    samples = {"a": [{"key": "x"}, {"key": "y"}]}
    write_rows(tmp_path / "t" / "1.csv", [{"key": "x", "p": "007"}], ("key", "p"))
    write_rows(tmp_path / "t" / "2.csv", [{"key": "y", "p": "1.5"}], ("key", "p"))
    with small():
        found = join([table_of(tmp_path / "t")], samples, Storage(f"{tmp_path}/out"))
    assert lists_of(found) == {"a": [["007"], ["1.5"]]}
    write_rows(tmp_path / "u" / "1.jsonl", [{"key": "x", "p": 1}], ("key", "p"))
    write_rows(tmp_path / "u" / "2.jsonl", [{"key": "y", "p": "one"}], ("key", "p"))
    for part in (1, 10**6):
        with (
            small(part=part),
            pytest.raises(ConfigError, match="'p': it holds whole numbers and texts"),
        ):
            join([table_of(tmp_path / "u")], samples, Storage(f"{tmp_path}/out{part}"))


def test_types_in_one_file_of_a_shard_are_one_or_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.tables.json_rows._LINES_AT_ONCE", 1)
    rows = [{"key": "x", "p": 1}, {"key": "y", "p": "one"}]
    write_rows(tmp_path / "t" / "a.jsonl", rows, ("key", "p"))
    samples = {"a": [{"key": "x"}]}
    storage = Storage(f"{tmp_path}/out")
    with pytest.raises(FairshardError, match=r"a\.jsonl cannot be read: its column 'p': it holds"):
        join([table_of(tmp_path / "t")], samples, storage)
    found = join([table_of(tmp_path / "t", ())], samples, storage)
    assert found.shards["a"]["persons"].to_pydict() == {ROWS: [1]}


def test_samples_that_are_others_by_now_are_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "t" / "t.csv", [{"key": "0", "p": 1}], ("key", "p"))
    table, storage = table_of(tmp_path / "t"), Storage(f"{tmp_path}/out")
    samples = {"a": [{"key": "0"}]}
    with (
        patch("tests.tables.joins.shards_of", lambda _: shards_of({"a": [{}, {}]})),
        pytest.raises(StaleError, match="has 1 samples by now, and had 2"),
    ):
        join([table], samples, storage)


def test_files_that_change_between_the_phases_are_refused(tmp_path: Path) -> None:
    samples = {"a": [{"key": "0"}]}
    write_rows(tmp_path / "t" / "a.csv", [{"key": "0", "p": 1}], ("key", "p"))
    table, storage = table_of(tmp_path / "t"), Storage(f"{tmp_path}/out")
    results = join([table], samples, storage).results
    write_rows(tmp_path / "t" / "a.csv", [{"key": "0", "p": 10}], ("key", "p"))
    with pytest.raises(ChangedInputError, match="the files of the table persons changed while"):
        tasks_of(2, [table], shards_of(samples), results, storage)


def test_a_damaged_bucket_is_said_to_be(tmp_path: Path) -> None:
    samples = {"s": [{"key": "0"}]}
    write_rows(tmp_path / "t" / "a.csv", [{"key": "0", "p": 1}], ("key", "p"))
    storage = Storage(f"{tmp_path}/out")
    join([table_of(tmp_path / "t")], samples, storage, keep=False)
    for path in (tmp_path / "out" / "tables").glob("*.parquet"):
        path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(FairshardError, match="is damaged: delete it, and run the same command"):
        join([table_of(tmp_path / "t")], samples, storage)


def test_lists_are_the_same_arrow_bytes_whatever_the_buckets(tmp_path: Path) -> None:
    samples = corpus()
    rows = rows_of(samples) * 2
    write_rows(tmp_path / "t" / "t.parquet", rows, ("key", "p"))
    found = []
    for bucket in (50, 10**6):
        with small(bucket=bucket, samples=100):
            outcome = join([table_of(tmp_path / "t")], samples, Storage(f"{tmp_path}/{bucket}"))
        sinks = []
        for tables in outcome.shards.values():
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, tables["persons"].schema) as writer:
                writer.write_table(tables["persons"])
            sinks.append(sink.getvalue().to_pybytes())
        found.append(sinks)
    assert found[0] == found[1]


def test_types_that_change_between_the_phases_are_refused(tmp_path: Path) -> None:
    samples = {"a": [{"key": "0"}]}
    write_rows(tmp_path / "t" / "a.csv", [{"key": "0", "p": 1}], ("key", "p"))
    table, storage = table_of(tmp_path / "t"), Storage(f"{tmp_path}/out")
    partition = join([table], samples, storage).results[0].partition
    assert partition
    with pytest.raises(ChangedInputError, match="the table persons has values of another type"):
        partitioning.typed([pa.table({"key": ["0"], "p": ["one"]})], partition)
