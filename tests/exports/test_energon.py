"""What Energon reads: as `energon prepare` writes it, for its loader, byte for byte."""

import json
import re
import tarfile
from pathlib import Path
from struct import pack

import pytest
import yaml

from tests.commands import run
from tests.exported import manifest, people, tars
from tests.tarmaking import Entry, make_tar, special
from transforms.config.sections import Input
from transforms.exports.formats.energon import field_map
from transforms.exports.tar_index import index_bytes, sample_offsets
from transforms.storage.files import Storage

LONG = "folder.of/" + "long " * 60


def offsets_of(tar: Path) -> bytes:
    """The index by tarfile and by the rules of Energon 7.4.1 (webdataset/prepare.py, config.py)."""
    offsets, last = [], None
    with tarfile.open(tar) as opened:
        for member in opened:
            found = re.match(r"^((?:.*/|)[^.]+)[.]([^/]*)$", member.name)
            if not member.isreg() or re.match(r"__[^/]*__($|/)", member.name) or not found:
                continue
            if found[1] != last:
                offsets.append(member.offset)
                last = found[1]
        return b"".join(pack("<Q", offset) for offset in [*offsets, opened.offset])


def test_the_folder_tells_of_shards_and_splits(storage: Storage) -> None:
    assert run("export", storage.url, "energon") == 0
    meta = Path(storage.url, "shards", ".nv-meta")
    info, split, dataset = (
        yaml.safe_load((meta / name).read_bytes())
        for name in (".info.yaml", "split.yaml", "dataset.yaml")
    )
    shards = {Path(shard.name).name: shard.samples for shard in manifest(storage).shards}
    assert info == {"shard_counts": shards}
    assert split == {"split_parts": {"train": [*shards], "val": [], "test": []}, "exclude": []}
    assert dataset == {
        "sample_type": {"__module__": "megatron.energon", "__class__": "CaptioningSample"},
        "field_map": {"image": "jpg,jpeg,png,webp", "caption": "txt"},
    }
    for tar in map(Path, tars(storage)):
        assert tar.with_suffix(".tar.idx").read_bytes() == offsets_of(tar)


def test_an_export_that_was_killed_goes_on(
    storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", storage.url, "energon") == 0
    first = Path(tars(storage)[0]).with_suffix(".tar.idx")
    split = Path(storage.url, "shards", ".nv-meta", "split.yaml")
    written = {path: path.read_bytes() for path in (first, split)}
    for path in written:
        path.unlink()
    capsys.readouterr()
    assert run("export", storage.url, "energon", "--json") == 0
    assert json.loads(capsys.readouterr().out)["written"] == 2
    assert {path: path.read_bytes() for path in written} == written


def test_captions_of_metadata_are_found_there() -> None:
    read = Input.model_validate(
        {
            "shards": "x.tar",
            "caption_field": "text.english",
            "members": {"image": ["png"], "metadata": ["json", "meta.json"]},
        }
    )
    caption = "json[text][english],meta.json[text][english]"
    assert field_map(read) == {"image": "png", "caption": caption}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_samples_begin_where_tarfile_says(form: int, tmp_path: Path) -> None:
    names = [
        "a.jpg",
        "a.txt",
        "__meta__/a.json",
        "__b__.json",
        "none",
        "b.seg.png",
        "b.txt",
        "f/b.jpg",
    ]
    if form != tarfile.USTAR_FORMAT:
        names += [f"{LONG}1.jpg", f"{LONG}1.txt", f"{LONG}2.jpg"]
    entries: list[Entry] = [(name, b"x" * 700) for name in names]
    entries[3:3] = [special("folder", tarfile.DIRTYPE), special("link", tarfile.SYMTYPE, "a.jpg")]
    tar = tmp_path / "one.tar"
    tar.write_bytes(make_tar(entries, form))
    with tar.open("rb") as stream:
        assert index_bytes(sample_offsets(stream)) == offsets_of(tar)


def test_a_tar_without_samples_has_one_offset(tmp_path: Path) -> None:
    tar = tmp_path / "empty.tar"
    tar.write_bytes(make_tar([]))
    with tar.open("rb") as stream:
        assert index_bytes(sample_offsets(stream)) == bytes(8) == offsets_of(tar)


def test_a_shard_that_was_cut_is_said(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    tar = Path(tars(storage)[1])
    tar.write_bytes(tar.read_bytes()[:3000])
    assert run("export", storage.url, "energon") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert f"{tar} is damaged: the shard is cut short" in said
    assert "run `fairshard resample` again" in said
    assert not Path(storage.url, "shards", ".nv-meta", ".info.yaml").exists()


def test_a_shard_of_other_samples_is_said(
    storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    tar = Path(tars(storage)[1])
    tar.write_bytes(make_tar(people(0, 3)))
    assert run("export", storage.url, "energon") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert f"{tar} holds 3 samples, and 20 by its manifest: it was changed" in said


def test_a_lost_shard_is_said(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    Path(tars(storage)[1]).unlink()
    assert run("export", storage.url, "energon") == 1
    assert "does not exist" in capsys.readouterr().err
