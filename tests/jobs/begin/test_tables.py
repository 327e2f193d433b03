"""What `check`, `doctor` and `preview` say of tables, before anything is labelled."""

from pathlib import Path

import pytest

from jobs.begin import check, preview
from jobs.begin.diagnosis.tables import check_tables
from tests.joined import told_by, write_told_corpus
from tests.runs import quiet
from transforms.base.errors import ConfigError
from transforms.preview import joined


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus and its tables."""
    folder = tmp_path_factory.mktemp("corpus")
    write_told_corpus(folder)
    return folder


@pytest.mark.parametrize(
    ("way", "files", "columns", "how"),
    [
        (
            "uid",
            3,
            ["p_doctor", "p_laptop", "p_man", "p_nurse", "p_tie", "p_woman"],
            "in hash buckets",
        ),
        ("boxes", 1, ["word"], "in hash buckets"),
        ("shards", 4, ["words"], "shard by shard"),
    ],
)
def test_check_tells_how_tables_are_joined(
    corpus: Path, way: str, files: int, columns: list[str], how: str
) -> None:
    (table,) = check.run(told_by(corpus, way, "out"))["tables"]
    assert (table["files"], table["columns"], table["joined"]) == (files, columns, how)


def test_check_refuses_a_column_that_is_not_there(corpus: Path) -> None:
    labels = {
        "thing": {"names": {"x": {"column": {"table": "boxes", "name": "wrod", "values": 1}}}}
    }
    with pytest.raises(ConfigError, match="no column 'wrod'; did you mean 'word'"):
        check.run(told_by(corpus, "boxes", "out", labels=labels))


def test_doctor_looks_for_the_files(corpus: Path) -> None:
    (found,) = check_tables(told_by(corpus, "shards", "out"))
    assert (found.check, found.status, found.found) == ("tables.words", "ok", "4 files, 0.0 MB")
    tables = {"boxes": {"url": "nothing/*.csv", "key": ["tar", "member"]}}
    (found,) = check_tables(told_by(corpus, "boxes", "out", tables=tables))
    assert (found.check, found.status) == ("tables.boxes", "missing")
    assert "tables.boxes.url" in found.mend


@pytest.mark.parametrize("way", ["uid", "boxes", "shards"])
def test_preview_joins_the_samples_that_it_reads(corpus: Path, way: str) -> None:
    told = preview.run(told_by(corpus, "json", "out"), 60, None, quiet())
    found = preview.run(told_by(corpus, way, "out"), 60, None, quiet())
    assert {one["name"]: one["hits"] for one in found["names"]} == {
        one["name"]: one["hits"] for one in told["names"]
    }
    assert all(set(one["by_source"]) == {"table"} for one in found["names"])
    (table,) = found["tables"]
    assert table["with_row"] > 50
    assert table["whole"]


def test_preview_says_where_it_looked_through_a_part(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joined, "_MOST_ROWS", 1)
    (table,) = preview.run(told_by(corpus, "uid", "out"), 60, None, quiet())["tables"]
    assert (table["rows"], table["whole"]) == (80, False)
    assert "in its first 80 rows" in table["in_words"]


def test_preview_says_why_nothing_matches(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "keys.csv").write_text("key,word\n0000000.jpg,woman\n0000001.jpg,man\n")
    tables = {"boxes": {"url": str(tmp_path / "keys.csv"), "key": "key"}}
    found = preview.run(told_by(corpus, "boxes", "out", tables=tables), 60, None, quiet())
    advice = "those of rows end in an extension, and those of samples do not"
    assert any(
        "no sample has a row in the table boxes" in line and advice in line
        for line in found["advice"]
    )
