"""Energon's split.yaml excludes exactly what `resample` does not write."""

import gzip
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import braceexpand
import pytest
import yaml

from jobs.session.options import read_checked
from tests.commands import run
from tests.fixtures import write_tar
from tests.outputs import finished_output
from tests.uid_corpus import REPEATING, keys_written, write_config, write_corpus
from transforms.exports import parts
from transforms.exports.formats.energon_exclude import _line


def loaded(folder: Path, pool: Path) -> Counter[str]:
    """The keys that Energon would load of a pool: it expands braces, and asks for SHARD/KEY."""
    split = yaml.safe_load((folder / "split.yaml").read_text())
    expanded = {name for given in split["exclude"] for name in braceexpand.braceexpand(given)}
    shards = [n for given in split["split_parts"]["train"] for n in braceexpand.braceexpand(given)]
    found: Counter[str] = Counter()
    for shard in shards:
        if shard not in expanded:
            with tarfile.open(pool / shard) as archive:
                heads = (name.partition(".")[0] for name in archive.getnames())
                keys = {key for key in heads if f"{shard}/{key}" not in expanded}
            found.update(keys)
    return found


def made(folder: Path, **changes: Any) -> None:
    finished_output(read_checked(write_config(folder, **changes)))


def test_energon_would_load_what_resample_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path)
    made(tmp_path)
    assert run("export", tmp_path / "out", "energon-exclude") == 0
    written = keys_written(tmp_path / "out")
    assert loaded(tmp_path / "out/exports/energon-exclude", tmp_path / "in") == written
    said = capsys.readouterr().out
    assert f"{len(written)} samples, {120 - len(written)} exclusions in 1 file" in said
    assert f"names are those below {tmp_path / 'in'}: put the file into .nv-meta there" in said


def test_parts_make_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path)
    made(tmp_path)
    assert run("export", tmp_path / "out", "energon-exclude") == 0
    whole = (tmp_path / "out/exports/energon-exclude/split.yaml").read_bytes()
    monkeypatch.setattr(parts, "_ROWS_OF_PART", 10)
    monkeypatch.setattr("transforms.exports.formats.energon_exclude._BLOCK", 100)
    assert run("export", tmp_path / "out", "energon-exclude", "--to", tmp_path / "apart") == 0
    assert (tmp_path / "apart/split.yaml").read_bytes() == whole


def test_rejected_samples_and_shards_that_give_nothing_are_excluded(tmp_path: Path) -> None:
    write_corpus(tmp_path, shards=("a/00000", "a/00001", "b/00002"))
    with tarfile.open(tmp_path / "in/a/00000.tar", "a") as archive:
        for name in ("lonely.jpg", "dotted.v1.jpg", "dotted.v1.txt", "dotted.v1.json"):
            archive.addfile(tarfile.TarInfo(name))
    write_tar(tmp_path / "in/b/nothing.tar", {f"nobody{n}.jpg": b"" for n in range(5)})
    limits = {"max_reject_share": 1.0, "max_lost_shards": 9, "max_lost_share": 1.0}
    made(tmp_path, input={"limits": limits})
    assert run("export", tmp_path / "out", "energon-exclude") == 0
    folder = tmp_path / "out/exports/energon-exclude"
    assert loaded(folder, tmp_path / "in") == keys_written(tmp_path / "out")
    split = yaml.safe_load((folder / "split.yaml").read_text())
    assert split["split_parts"]["train"][0] == "a/00000.tar"
    excluded = {"a/00000.tar/lonely", "a/00000.tar/dotted", "b/nothing.tar"}
    assert excluded <= set(split["exclude"])


@pytest.mark.parametrize(
    "name",
    [
        "a.tar/x",
        "a{0..9}.tar",
        "{a,b}",
        "a\\{b",
        "'\"",
        "é\u2028x",
        "\x07\x85",
        "x: #y",
        "😀",
        "{",
        "",
    ],
)
def test_energon_reads_any_name_as_it_is(name: str) -> None:
    (read,) = yaml.safe_load(_line(name))
    assert list(braceexpand.braceexpand(read)) == [name]
    assert list(yaml.load(_line(name), yaml.CSafeLoader)) == [read]


def test_a_plan_that_repeats_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_corpus(tmp_path)
    made(tmp_path, balance=REPEATING)
    assert run("export", tmp_path / "out", "energon-exclude") == 1
    assert "energon-exclude says of a sample that it is kept or dropped" in capsys.readouterr().err


def test_compressed_shards_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_corpus(tmp_path)
    plain = tmp_path / "in/00001.tar"
    (tmp_path / "in/00001.tar.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    made(tmp_path, input={"shards": "in/*.tar*"})
    assert run("export", tmp_path / "out", "energon-exclude") == 1
    said = capsys.readouterr().err
    assert "Energon reads plain tars, and 1 shard of the input" in said
    assert "00001.tar.gz among them) is none" in said
