"""One file adds an export format; what is wrong with it, or with its name, is a sentence."""

import json
from pathlib import Path

import pytest

from jobs.session.options import read_checked
from tests.commands import run
from tests.example_package.fairshard_example.kept_keys import KEPT_KEYS
from tests.loading import ROOT
from tests.outputs import finished_output
from tests.uid_corpus import REPEATING, keys_written, write_config, write_corpus
from transforms.config.exporters import EXPORTERS
from transforms.exports.exported import Exported
from transforms.exports.outcome import ExportOutcome
from transforms.exports.target import Target
from transforms.stages.registrations import load_exporters


class OfShards:
    """An export of what is written."""

    name = "of-shards"
    about = "the names of the shards"
    needs_shards = True
    place = ""

    def export(self, exported: Exported, target: Target) -> ExportOutcome:
        """Write one small file at the root."""
        assert exported.manifest is not None
        names = [shard.name for shard in exported.manifest.shards]
        target.publish("names.json", json.dumps(names).encode())
        return ExportOutcome({"shards": len(names)})


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    load_exporters()
    for fields in ("_entries", "_origins"):
        monkeypatch.setattr(EXPORTERS, fields, {**getattr(EXPORTERS, fields)})
    EXPORTERS.register(KEPT_KEYS, "an example")
    EXPORTERS.register(OfShards(), "an example")


@pytest.mark.usefixtures("added")
def test_an_added_format_is_written_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path)
    finished_output(read_checked(write_config(tmp_path, balance=REPEATING)))
    for _ in range(2):
        assert run("export", tmp_path / "out", "kept-keys") == 0
    assert "3 of them as before" in capsys.readouterr().out
    lines = [
        json.loads(line)
        for path in (tmp_path / "out/exports/kept-keys").iterdir()
        for line in path.read_text().splitlines()
    ]
    assert {line["key"]: line["copies"] for line in lines} == keys_written(tmp_path / "out")


@pytest.mark.usefixtures("added")
def test_what_tells_of_shards_needs_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path)
    path = write_config(tmp_path)
    finished_output(read_checked(path))
    assert run("export", path, "of-shards") == 0
    assert json.loads((tmp_path / "out/names.json").read_bytes())[0] == "shards/00000.tar"
    (tmp_path / "out/manifest.json").unlink()
    assert run("export", path, "of-shards") == 1
    assert "of-shards tells of written shards, and" in capsys.readouterr().err


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize("same", [True, False])
def test_a_small_file_of_the_users_is_taken_where_it_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], same: bool
) -> None:
    write_corpus(tmp_path)
    finished_output(read_checked(write_config(tmp_path)))
    assert run("export", tmp_path / "out", "of-shards") == 0
    content = (tmp_path / "out/names.json").read_bytes()
    place = tmp_path / "place"
    place.mkdir()
    (place / "names.json").write_bytes(content if same else b"mine")
    assert run("export", tmp_path / "out", "of-shards", "--to", place) == (0 if same else 1)
    assert (place / "names.json").read_bytes() == (content if same else b"mine")
    if not same:
        assert "would be overwritten" in capsys.readouterr().err


def test_a_format_that_there_is_not_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", tmp_path, "wieghts") == 2
    assert "there is no export format 'wieghts'" in capsys.readouterr().err


def test_the_page_shows_the_example() -> None:
    example = ROOT / "tests" / "example_package" / "fairshard_example" / "kept_keys.py"
    shown = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    assert f"```python\n{example.read_text(encoding='utf-8')}```" in shown
