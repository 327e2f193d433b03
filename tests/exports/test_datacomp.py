"""DataComp's subset file: what its resharder would take of the pool is what `resample` writes."""

import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.session.options import read_checked
from tests.commands import run
from tests.outputs import finished_output
from tests.uid_corpus import REPEATING, keys_written, uid_of, write_config, write_corpus
from transforms.exports import parts

U16 = np.dtype("u8,u8")


def subset_of(folder: Path) -> np.ndarray[Any, Any]:
    """The subset as DataComp's resharder loads it."""
    path = folder / "out/exports/datacomp/subset.npy"
    assert path.read_bytes()[:6] == b"\x93NUMPY"
    subset: np.ndarray[Any, Any] = np.load(path, mmap_mode="r")
    assert subset.dtype == U16
    return subset


def resharded(folder: Path) -> Counter[str]:
    """How often each sample of the pool is taken: as entries between two binary searches."""
    subset, taken = subset_of(folder), Counter[str]()
    for shard in (folder / "in").glob("*.tar"):
        with tarfile.open(shard) as archive:
            for name in archive.getnames():
                if name.endswith(".json"):
                    member = archive.extractfile(name)
                    assert member is not None
                    uid = json.load(member)["uid"]
                    wanted = np.array([divmod(int(uid, 16), 2**64)], U16)[0]
                    first = np.searchsorted(subset, wanted, "left")
                    last = np.searchsorted(subset, wanted, "right")
                    taken[name.split(".")[0]] += int(last - first)
    return +taken


def made(folder: Path, **changes: Any) -> Path:
    write_corpus(folder, uids=changes.pop("uids", None))
    path = write_config(folder, **changes)
    finished_output(read_checked(path))
    return path


def test_the_resharder_takes_what_resample_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path)
    assert run("export", tmp_path / "out", "datacomp") == 0
    assert resharded(tmp_path) == keys_written(tmp_path / "out") != Counter()
    subset = subset_of(tmp_path)
    assert np.array_equal(subset, np.sort(subset))
    said = capsys.readouterr().out
    assert f"{len(subset)} uids in 1 file" in said
    assert f"python resharder.py -i POOL -o SHARDS -s {tmp_path}/out/exports/datacomp" in said


def test_parts_are_merged_into_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path)
    assert run("export", tmp_path / "out", "datacomp") == 0
    of_one_part = (tmp_path / "out/exports/datacomp/subset.npy").read_bytes()
    monkeypatch.setattr(parts, "_ROWS_OF_PART", 10)
    monkeypatch.setattr("transforms.exports.formats.datacomp._HELD", 9)
    monkeypatch.setattr("transforms.exports.formats.datacomp._WRITTEN_AT_ONCE", 4)
    assert run("export", tmp_path / "out", "datacomp", "--to", tmp_path / "apart") == 0
    assert (tmp_path / "apart/subset.npy").read_bytes() == of_one_part
    assert not list(tmp_path.rglob("part-*"))


def test_a_plan_that_repeats_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path, balance=REPEATING)
    assert run("export", tmp_path / "out", "datacomp") == 1
    said = capsys.readouterr().err
    assert (
        "datacomp says of a sample that it is kept or dropped, and this plan repeats some" in said
    )
    assert "solve with a largest weight of 1 (`--set balance.Q=1`), or export `weights`" in said
    assert not (tmp_path / "out/exports/datacomp/subset.npy").exists()


def test_labels_without_uids_say_how_to_have_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, input={"carry": []})
    assert run("export", tmp_path / "out", "datacomp") == 1
    assert "give `input.carry: [uid]`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("uid", "said"),
    [
        (None, "has none"),
        ("", "has ''"),
        ("abc", "has 'abc'"),
        ("0x" + "1" * 30, "has '0x1111"),
        ("é" * 16, "has 'éé"),
        ("g" * 32, "has 'gggg"),
        ("a\x1b[31m", "has 'a\\\\x1b[31m"),
    ],
)
def test_samples_that_are_kept_and_have_no_uid_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], uid: str | None, said: str
) -> None:
    keys = [f"{number:07d}" for number in range(120)]
    made(tmp_path, uids=dict.fromkeys(keys, uid))
    kept = len(keys_written(tmp_path / "out"))
    assert run("export", tmp_path / "out", "datacomp") == 1
    error = capsys.readouterr().err
    assert f"{kept} samples that this plan keeps cannot be named in a subset" in error
    assert said in error


def test_samples_that_are_dropped_need_no_uid(tmp_path: Path) -> None:
    made(tmp_path / "whole")
    kept = keys_written(tmp_path / "whole/out")
    dropped = {f"{number:07d}" for number in range(120)} - kept.keys()
    made(tmp_path / "partly", uids=dict.fromkeys(dropped, "none"))
    assert run("export", tmp_path / "partly/out", "datacomp") == 0
    assert len(subset_of(tmp_path / "partly")) == len(kept)


def test_capital_digits_are_digits(tmp_path: Path) -> None:
    keys = [f"{number:07d}" for number in range(120)]
    made(tmp_path, uids={key: uid_of(key).upper() for key in keys})
    assert run("export", tmp_path / "out", "datacomp") == 0
    assert resharded(tmp_path) == keys_written(tmp_path / "out")


@pytest.mark.parametrize("rows", [10, 10**6])
def test_a_uid_of_samples_kept_and_dropped_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    rows: int,
) -> None:
    monkeypatch.setattr(parts, "_ROWS_OF_PART", rows)
    made(tmp_path / "whole")
    kept = sorted(keys_written(tmp_path / "whole/out"))
    dropped = sorted({f"{number:07d}" for number in range(120)} - set(kept))
    made(tmp_path / "doubled", uids={kept[0]: "f" * 32, dropped[-1]: "f" * 32})
    assert run("export", tmp_path / "doubled/out", "datacomp") == 1
    assert f"{'f' * 32} is that of several" in capsys.readouterr().err


@pytest.mark.parametrize("rows", [10, 10**6])
def test_a_uid_of_several_that_are_kept_is_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(parts, "_ROWS_OF_PART", rows)
    made(tmp_path / "whole")
    kept = sorted(keys_written(tmp_path / "whole/out"))
    made(tmp_path / "doubled", uids=dict.fromkeys((kept[0], kept[-1]), "f" * 32))
    assert run("export", tmp_path / "doubled/out", "datacomp") == 0
    assert resharded(tmp_path / "doubled") == keys_written(tmp_path / "doubled/out")
    assert len(subset_of(tmp_path / "doubled")) == len(kept) - 1
