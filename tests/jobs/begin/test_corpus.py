"""`fairshard corpus` draws into a folder of its own, and keeps what is not of its making."""

from pathlib import Path

import pytest

from tests.commands import run

SMALL = ["--samples", 6, "--shards", 2]


@pytest.mark.parametrize(
    "name", ["shards/00000.tar", "config.yaml", "truth.parquet", "corpus.json"]
)
def test_what_was_there_before_is_kept(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b"mine")
    assert run("corpus", tmp_path, *SMALL) == 1
    assert f"already holds {name.split('/', maxsplit=1)[0]}" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]
    assert mine.read_bytes() == b"mine"


def test_a_corpus_is_drawn_again_and_its_edited_configuration_kept(tmp_path: Path) -> None:
    assert run("corpus", tmp_path / "demo", *SMALL) == 0
    first = (tmp_path / "demo/shards/00000.tar").read_bytes()
    (tmp_path / "demo/config.yaml").write_text("# mine")
    assert run("corpus", tmp_path / "demo", *SMALL, "--seed", 1) == 0
    assert (tmp_path / "demo/shards/00000.tar").read_bytes() != first
    assert (tmp_path / "demo/config.yaml").read_text() == "# mine"
