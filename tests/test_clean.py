"""What dead attempts left is removed, and nothing else."""

import io
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from jobs import clean
from jobs.cli import main
from tests.fixtures import config_of, write_corpus
from tests.outputs import finished_output
from tests.runs import begun, held, quiet
from transforms import layout
from transforms.attempts import attempts_at
from transforms.errors import FairshardError
from transforms.storage import Storage

LEFT = {
    "labels/.00000.parquet.dead.tmp": b"1",
    "shards/.00001.tar.dead.tmp": b"22",
    ".manifest.json.dead.tmp": b"333",
    "done/labels/.00000.json.dead.tmp": b"4444",
}
OTHERS = {
    "labels/.hidden": b"mine",
    "mine.tmp": b"mine",
    "other/.mine.dead.tmp": b"mine",
    "shards/00000.tar": b"a shard",
}


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    for name, content in {**LEFT, **OTHERS}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return Storage(str(tmp_path))


def test_what_dead_attempts_left_goes_and_the_rest_stays(storage: Storage) -> None:
    begun(storage, "label", "00000", 60)
    begun(storage, "resample", "00001", 60)
    begun(storage, "label", "00003", 60, error="no space left")
    found = clean.run(storage, force=False)
    notes = [layout.attempt("label", "00000"), layout.attempt("resample", "00001")]
    assert found["removed"] == [*sorted(LEFT), *notes]
    assert found["bytes"] == 10
    files = {path for path in Path(storage.url).rglob("*") if path.is_file()}
    kept = {Path(storage.url, name) for name in (*OTHERS, layout.attempt("label", "00003"))}
    assert files == kept
    assert [attempt.error for attempt in attempts_at("label", storage)] == ["no space left"]
    console = quiet()
    clean.show(found, console)
    clean.show(clean.run(storage, force=False), console)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue().splitlines()
    assert said[0] == "removed .manifest.json.dead.tmp"
    assert said[-2:] == [
        "6 files of dead attempts removed, 0.0 MB",
        f"nothing to remove in {storage.url}",
    ]


def test_while_a_run_is_active_nothing_is_removed_unless_by_force(
    storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(storage):
        with pytest.raises(FairshardError, match=r"a run writes to .*: process \d+ on .*--force"):
            clean.run(storage, force=False)
        assert sorted(clean.hidden_files(storage)) == sorted(LEFT)
        with pytest.raises(SystemExit) as ended:
            main(["clean", storage.url])
        assert ended.value.code == 1
        with pytest.raises(SystemExit) as ended:
            main(["clean", storage.url, "--force"])
        assert ended.value.code == 0
        assert "removed shards/.00001.tar.dead.tmp" in capsys.readouterr().out
    assert clean.hidden_files(storage) == {}


def test_on_other_stores_as_well() -> None:
    system = MemoryFileSystem()
    for name, content in {**LEFT, **OTHERS}.items():
        system.pipe_file(f"/cleaned/{name}", content)
    storage = Storage("memory://cleaned")
    assert clean.run(storage, force=False)["removed"] == sorted(LEFT)
    left = {path.removeprefix("/cleaned/") for path in system.find("/cleaned")}
    assert left == set(OTHERS)
    system.rm("/cleaned", recursive=True)


def test_a_finished_output_is_left_as_it_is(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=40, shards=2)
    storage = finished_output(config_of(tmp_path))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    assert clean.run(storage, force=False)["removed"] == []
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before
