"""An export that was stopped goes on; one that is there stays; what is the user's stays his."""

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from jobs.look import export as exporting
from jobs.look.named_output import output_named
from jobs.run.running import run_command
from jobs.session.options import read_checked
from tests.commands import run
from tests.inprocess import InProcess
from tests.outputs import finished_output
from tests.processes import Place, start
from tests.runs import held, quiet
from tests.uid_corpus import KEEPING, REPEATING, write_config, write_corpus
from transforms.exports import parts
from transforms.storage.files import Storage

SHARDS = tuple(f"{number:05d}" for number in range(6))
FILES = {
    "weights": "exports/weights/*.parquet",
    "datacomp": "exports/datacomp/subset.npy",
    "energon-exclude": "exports/energon-exclude/split.yaml",
}
DEATHS = {
    "before a table": ("weights", Place("before", "exports/weights/*.parquet", 3)),
    "between a table and its publishing": (
        "weights",
        Place("written", "exports/weights/*.parquet", 3),
    ),
    "between a table and its record": ("weights", Place("before", "done/exports/weights--*", 3)),
    "after the claim": ("weights", Place("before", "exports/weights/*.parquet", 1)),
    "before a part": ("datacomp", Place("before", "done/exports/part-*")),
    "between a part and its record": (
        "datacomp",
        Place("before", "done/exports/datacomp-parts--*"),
    ),
    "before the subset": ("datacomp", Place("before", "exports/datacomp/subset.npy")),
    "between the subset and its record": (
        "datacomp",
        Place("before", "done/exports/datacomp--subset.npy.json"),
    ),
    "before the split": ("energon-exclude", Place("before", "exports/energon-exclude/*")),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an output, its configuration, and all its exports in `whole`."""
    folder = tmp_path_factory.mktemp("going_on")
    write_corpus(folder, shards=SHARDS)
    path = write_config(folder)
    finished_output(read_checked(path))
    for name in FILES:
        assert run("export", path, name, "--to", folder / "whole" / name) == 0
    return folder


@pytest.fixture
def output(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished / "out", tmp_path / "out"))


def contents(folder: Path) -> dict[str, bytes]:
    """The files of an export, but for what is known of them."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def exported(target: Path, name: str, to: Path | None = None) -> dict[str, Any]:
    return exporting.run(output_named(str(target)), name, to and str(to), quiet())


@pytest.mark.parametrize("death", DEATHS)
def test_a_killed_export_goes_on(finished: Path, output: Path, death: str) -> None:
    name, place = DEATHS[death]
    killed = start(output.parent / "log", "export", output, name, place=place, options=())
    assert killed.end() == -signal.SIGKILL, killed.log.read_text()
    records = {path.name for path in (output / "done/exports").glob(f"{name}--*")}
    again = exported(output, name)
    assert again["files"] - again["written"] == len(records)
    assert contents(output / "exports" / name) == contents(finished / "whole" / name)
    assert not [path for path in output.rglob("*") if path.name.endswith(".tmp")]
    assert not list((output / "done/exports").glob("*part*"))


def test_parts_of_a_killed_export_are_not_made_again(
    finished: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_ROWS_OF_PART", 20)
    inner = Storage.publishing

    def stopped(storage: Storage, name: str) -> Any:
        if name.endswith(".npy"):
            raise KeyboardInterrupt
        return inner(storage, name)

    monkeypatch.setattr(Storage, "publishing", stopped)
    with pytest.raises(KeyboardInterrupt):
        exported(output, "datacomp")
    assert len(list((output / "done/exports").glob("part-?????"))) == 6
    monkeypatch.setattr(Storage, "publishing", inner)
    shutil.rmtree(output / "labels")
    exported(output, "datacomp")
    assert contents(output / "exports/datacomp") == contents(finished / "whole/datacomp")


@pytest.mark.parametrize("name", FILES)
def test_what_is_there_is_kept(output: Path, name: str) -> None:
    first = exported(output, name)
    assert first["written"] == first["files"] > 0
    times = {path: path.stat().st_mtime_ns for path in (output / "exports").rglob("*.*")}
    again = exported(output, name)
    assert again == {**first, "written": 0}
    assert {path: path.stat().st_mtime_ns for path in (output / "exports").rglob("*.*")} == times


@pytest.mark.parametrize("harm", ["lost", "cut", "record"])
def test_what_is_damaged_is_written_again(
    finished: Path, output: Path, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exported(output, "weights")
    file = output / "exports/weights/00003.parquet"
    match harm:
        case "lost":
            file.unlink()
        case "cut":
            file.write_bytes(file.read_bytes()[:-1])
        case "record":
            (output / "done/exports/weights--00003.parquet.json").write_text("{")
    assert run("export", output, "weights") == 0
    said = capsys.readouterr()
    assert "1 of 6 files is written again: lost or changed" in said.err
    assert "5 of them as before" in said.out
    assert contents(output / "exports/weights") == contents(finished / "whole/weights")


@pytest.mark.parametrize("to", [None, "apart"])
def test_another_plan_is_told_and_exported_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], to: str | None
) -> None:
    write_corpus(tmp_path, shards=SHARDS)
    where = [] if to is None else ["--to", tmp_path / to]
    for eta, shards in ((0.6, "in/*.tar"), (0.4, "in/0000[1-5].tar")):
        config = write_config(tmp_path, balance={**KEEPING, "eta": eta}, input={"shards": shards})
        run_command("rebalance", read_checked(config), InProcess(), quiet(), "run")
        assert run("export", config, "weights", *where) == 0
    said = capsys.readouterr().err
    assert "5 of 5 files are written again: the plan changed" in said
    folder = tmp_path / to if to else tmp_path / "out/exports/weights"
    assert sorted(contents(folder)) == [f"0000{number}.parquet" for number in range(1, 6)]
    assert run("export", tmp_path / "out", "weights", "--to", tmp_path / "new") == 0
    assert contents(folder) == contents(tmp_path / "new")


@pytest.mark.parametrize("name", FILES)
def test_files_of_the_user_are_neither_overwritten_nor_removed(
    output: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "notes.txt").write_text("mine")
    taken = place / Path(FILES[name].replace("*", "00002")).name
    taken.write_bytes(b"mine")
    assert run("export", output, name, "--to", place) == 1
    assert (
        f"{taken} would be overwritten, and no record says that fairshard wrote it: move it away, "
        "or give another place with --to"
    ) in capsys.readouterr().err
    assert contents(place) == {"notes.txt": b"mine", taken.name: b"mine"}
    taken.unlink()
    assert run("export", output, name, "--to", place) == 0
    assert (place / "notes.txt").read_text() == "mine"


def test_what_is_refused_claims_nothing(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path, shards=SHARDS)
    repeating = write_config(tmp_path, balance=REPEATING, output={"url": str(tmp_path / "more")})
    finished_output(read_checked(repeating))
    place = tmp_path / "place"
    assert run("export", repeating, "datacomp", "--to", place) == 1
    assert "this plan repeats some" in capsys.readouterr().err
    assert not [path for path in place.rglob("*") if path.is_file()]
    (place / "subset.npy").write_bytes(b"mine")
    assert run("export", output, "datacomp", "--to", place) == 1
    assert (place / "subset.npy").read_bytes() == b"mine"


def test_labels_that_changed_are_told(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = next((output / "done/labels").glob("*.json"))
    said = json.loads(record.read_bytes())
    record.write_text(json.dumps({**said, "table_digest": "0" * 32}))
    assert run("export", output, "weights") == 3
    assert "was made from other labels than those in" in capsys.readouterr().err


def test_a_label_table_that_changed_is_told(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = next((output / "labels").glob("*.parquet"))
    table.write_bytes(table.read_bytes() + b"x")
    assert run("export", output, "weights") == 3
    assert "changed after it was labelled" in capsys.readouterr().err


def test_a_configuration_that_changed_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path)
    path = write_config(tmp_path)
    finished_output(read_checked(path))
    assert run("export", path, "weights", "--set", "balance.eta=0.5") == 3
    assert "was made from other config.balance" in capsys.readouterr().err


def test_without_a_plan_it_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path)
    path = write_config(tmp_path)
    run_command("label", read_checked(path), InProcess(), quiet(), "run")
    assert run("export", path, "weights") == 1
    assert "holds no plan: run `fairshard solve` first" in capsys.readouterr().err


def test_an_output_that_is_written_to_is_left_alone(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(Storage(str(output))):
        assert run("export", output, "weights") == 1
        assert "another run with another configuration writes to" in capsys.readouterr().err
        assert run("export", output, "weights", "--to", tmp_path / "apart") == 0


@pytest.mark.parametrize("to", ["memory://x", "a::b", "s3://", "", " "])
def test_places_that_cannot_be_are_refused(
    output: Path, to: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", output, "weights", "--to", to) == 2
    assert "the place of the export" in capsys.readouterr().err


def test_clean_removes_what_a_dead_export_left(output: Path) -> None:
    left = output / "exports/weights" / f".00000.parquet.{'0' * 32}.tmp"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert run("clean", output) == 0
    assert not left.exists()
