"""What dead attempts left is removed, and nothing else."""

import io
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from jobs.cli import main
from jobs.look import clean
from tests.commands import run
from tests.fixtures import config_of, write_corpus
from tests.outputs import finished_output
from tests.runs import begun, held, quiet
from tests.servers import BUCKET
from tests.uploads import answering
from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.storage.attempts import attempts_at
from transforms.storage.files import Storage

DEAD = f".{'0123456789abcdef' * 2}.tmp"
LEFT = {
    f"labels/.00000.parquet{DEAD}": b"1",
    f"shards/.00001.tar{DEAD}": b"22",
    f".manifest.json{DEAD}": b"333",
    f"done/labels/.00000.json{DEAD}": b"4444",
}
OTHERS = {
    "labels/.hidden": b"mine",
    "shards/.00000.tar.part.tmp": b"mine",
    f"shards/00000.tar{DEAD}": b"mine",
    f"shards/.00000.tar{DEAD}.gz": b"mine",
    "mine.tmp": b"mine",
    f"other/.mine{DEAD}": b"mine",
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
    notes = [paths.attempt("label", "00000"), paths.attempt("resample", "00001")]
    assert found["removed"] == [*sorted(LEFT), *notes]
    assert found["bytes"] == 10
    files = {path for path in Path(storage.url).rglob("*") if path.is_file()}
    kept = {Path(storage.url, name) for name in (*OTHERS, paths.attempt("label", "00003"))}
    assert files == kept
    assert [attempt.error for attempt in attempts_at("label", storage)] == ["no space left"]
    console = quiet()
    clean.show(found, console)
    clean.show(clean.run(storage, force=False), console)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue().splitlines()
    assert said[0] == f"removed .manifest.json{DEAD}"
    assert said[-2:] == [
        "6 files of dead attempts removed, 0.0 MB",
        f"nothing to remove in {storage.url}",
    ]


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_what_went_from_the_leases_is_said_and_no_file_of_others_goes(
    storage: Storage, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    running = Path(storage.url, paths.RUNNING)
    running.mkdir(parents=True)
    for name in ("torn.json", "notes.txt", "READ.ME.json"):
        (running / name).write_text("{")
    assert run("clean", storage.url, *options) == 0
    said = capsys.readouterr()
    gone = {"torn.json"} if options else set()
    assert {path.name for path in running.iterdir()} == {
        "torn.json",
        "notes.txt",
        "READ.ME.json",
    } - gone
    assert ("removed done/running/torn.json" in said.out) is bool(gone)
    assert "notes" not in said.out
    assert said.err.count("torn.json is not the file of a run") <= 2


def test_while_a_run_is_active_nothing_is_removed_unless_by_force(
    storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(storage):
        with pytest.raises(FairshardError, match=r"a run writes to .*: process \d+ on .*--force"):
            clean.run(storage, force=False)
        assert list(storage.left_behind()) == sorted(LEFT)
        with pytest.raises(SystemExit) as ended:
            main(["clean", storage.url])
        assert ended.value.code == 1
        with pytest.raises(SystemExit) as ended:
            main(["clean", storage.url, "--force"])
        assert ended.value.code == 0
        assert f"removed shards/.00001.tar{DEAD}" in capsys.readouterr().out
    assert storage.left_behind() == {}


def test_on_other_stores_as_well() -> None:
    system = MemoryFileSystem()
    for name, content in {**LEFT, **OTHERS}.items():
        system.pipe_file(f"/cleaned/{name}", content)
    storage = Storage("memory://cleaned")
    assert clean.run(storage, force=False)["removed"] == sorted(LEFT)
    left = {path.removeprefix("/cleaned/") for path in system.find("/cleaned")}
    assert left == set(OTHERS)
    system.rm("/cleaned", recursive=True)


@pytest.mark.parametrize("name", ["run[1]", "run?", "run*", "{run1,x}"])
def test_the_name_of_an_output_is_no_pattern(tmp_path: Path, name: str) -> None:
    for output in ("run1", name):
        for left in LEFT:
            (tmp_path / output / left).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / output / left).write_bytes(b"half")
    assert run("clean", tmp_path / name) == 0
    assert [*(tmp_path / name).rglob(".*")] == []
    write_corpus(tmp_path, samples=4, shards=1)
    config = tmp_path / "config.yaml"
    config.write_text(config_of(tmp_path).model_dump_json())
    again = tmp_path / name / next(iter(LEFT))
    again.write_bytes(b"half")
    assert run("solve", config, "--output", tmp_path / name) == 1
    assert not again.exists()
    assert len([*(tmp_path / "run1").rglob(".*")]) == len(LEFT)


def test_uploads_of_others_go_on() -> None:
    mine = [f"out/shards/{number:05d}.tar" for number in range(5)]
    others = ["out/raw/big.bin", "out/big.bin", "out2/shards/00000.tar", "shards/00000.tar"]
    uploads = dict.fromkeys((*mine, *others))
    options = {"key": "key", "secret": "secret"}
    with answering(uploads) as url:
        storage = Storage(f"s3://{BUCKET}/out", {"endpoint_url": url, **options})
        clean.run(storage, force=False)
        assert sorted(uploads) == sorted(others)
        Storage(f"s3://{BUCKET}", {"endpoint_url": url, **options}).sweep()
        assert sorted(uploads) == sorted(others[:-1])


def test_a_finished_output_is_left_as_it_is(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=40, shards=2)
    storage = finished_output(config_of(tmp_path))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    assert clean.run(storage, force=False)["removed"] == []
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before
