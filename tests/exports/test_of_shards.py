"""Exports of written shards, each read by the tool that it is for."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import wids
from open_clip_train.data import get_dataset_size

from tests.commands import run
from tests.exported import EASY, asked, exported, manifest, output, tars
from tests.inprocess import InProcess
from tests.servers import BUCKET, s3
from transforms.base.errors import FairshardError
from transforms.config.sections import Config
from transforms.exports.exporting import export, place_in
from transforms.exports.target import Target
from transforms.shards.finding import find_shards
from transforms.storage.files import Storage

OF_SHARDS = ("sizes", "wids", "energon", "card", "croissant")


def files_in(storage: Storage) -> dict[Path, bytes]:
    """What an output's files hold."""
    return {path: path.read_bytes() for path in Path(storage.url).rglob("*") if path.is_file()}


def keys_in(tar: str) -> list[str]:
    """The keys of a tar's samples, in order."""
    with tarfile.open(tar) as opened:
        return list(dict.fromkeys(name.partition(".")[0] for name in opened.getnames()))


def by_number(index: Path, folder: Path) -> list[str]:
    """The keys that wids finds, from the first number to the last."""
    found = wids.ShardListDataset(str(index), cache_dir=str(folder / "cache"), keep=True)
    return [found[number]["__key__"] for number in range(len(found))]


@pytest.mark.parametrize("name", OF_SHARDS)
def test_without_shards_it_says_what_to_run(
    name: str, storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    storage.delete("manifest.json")
    before = files_in(storage)
    assert run("export", storage.url, name) == 1
    assert "run `fairshard resample` first" in capsys.readouterr().err
    assert files_in(storage) == before


@pytest.mark.parametrize("name", OF_SHARDS)
def test_a_second_export_writes_nothing(
    name: str, storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(storage.url, "shards", "sizes.json").unlink(missing_ok=True)
    assert run("export", storage.url, name, "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert first["written"] == first["files"] > 0
    assert first["counts"]["samples"] == manifest(storage).totals.written
    assert run("export", storage.url, name, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {**first, "written": 0}


@pytest.mark.parametrize("name", OF_SHARDS)
def test_the_bytes_of_an_export_follow_from_the_output(
    name: str, storage: Storage, tmp_path: Path
) -> None:
    for copy in ("one", "two"):
        assert run("export", storage.url, name, "--to", tmp_path / copy) == 0
    one, two = (
        {
            path.relative_to(tmp_path / copy): path.read_bytes()
            for path in (tmp_path / copy).rglob("*")
            if path.is_file()
        }
        for copy in ("one", "two")
    )
    assert one == two and one


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("sizes", "shards/sizes.json"),
        ("wids", "shards/shardindex.json"),
        ("energon", "shards/.nv-meta/split.yaml"),
        ("energon", "shards/00001.tar.idx"),
        ("card", "README.md"),
        ("croissant", "croissant.json"),
    ],
)
def test_a_file_of_the_users_stays(
    name: str, file: str, storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = Path(storage.url, file)
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_bytes(b"theirs\xff")
    assert run("export", storage.url, name) == 1
    assert f"{theirs} would be overwritten" in " ".join(capsys.readouterr().err.split())
    assert theirs.read_bytes() == b"theirs\xff"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("energon", "shards/.nv-meta/split.yaml"),
        ("card", "README.md"),
        ("croissant", "croissant.json"),
    ],
)
def test_what_people_went_on_writing_stays(
    name: str, file: str, storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", storage.url, name) == 0
    ours = Path(storage.url, file)
    written = ours.read_bytes()
    ours.write_bytes(written + b"\n# license: cc-by-4.0\n")
    assert run("export", storage.url, name) == 1
    said = f"{ours} was changed since fairshard wrote it, and stays as it is"
    assert said in " ".join(capsys.readouterr().err.split())
    assert ours.read_bytes() == written + b"\n# license: cc-by-4.0\n"
    ours.unlink()
    assert run("export", storage.url, name) == 0
    assert ours.read_bytes() == written


def test_what_an_earlier_version_wrote_is_written_again(storage: Storage) -> None:
    target = Target(storage, "card")
    target.publish("README.md", b"of yesterday")
    assert run("export", storage.url, "card") == 0
    assert Path(storage.url, "README.md").read_bytes() != b"of yesterday"


def test_open_clip_finds_how_many_samples_there_are(storage: Storage) -> None:
    assert run("export", storage.url, "sizes") == 0
    found = manifest(storage)
    assert len(found.shards) > 1
    pattern = f"{storage.url}/shards/{{00000..{len(found.shards) - 1:05d}}}.tar"
    assert get_dataset_size(pattern) == (found.totals.written, len(found.shards))


def test_wids_finds_samples_by_number(storage: Storage, tmp_path: Path) -> None:
    assert run("export", storage.url, "wids") == 0
    index = Path(storage.url, "shards", "shardindex.json")
    assert by_number(index, tmp_path) == [key for tar in tars(storage) for key in keys_in(tar)]
    for shard in json.loads(index.read_bytes())["shardlist"]:
        assert shard["filesize"] == (index.parent / shard["url"]).stat().st_size


def test_an_index_elsewhere_names_whole_paths(storage: Storage, tmp_path: Path) -> None:
    assert run("export", storage.url, "wids", "--to", tmp_path / "else") == 0
    index = tmp_path / "else" / "shardindex.json"
    assert [shard["url"] for shard in json.loads(index.read_bytes())["shardlist"]] == tars(storage)
    assert len(by_number(index, tmp_path)) == manifest(storage).totals.written


@pytest.mark.parametrize(("name", "beside"), [("sizes", ""), ("energon", ""), ("card", "/shards")])
def test_elsewhere_it_says_where_the_shards_go(
    name: str, beside: str, storage: Storage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = f"copy those of {storage.url}/shards to {tmp_path}/else{beside}"
    assert run("export", storage.url, name) == 0
    assert "copy those" not in capsys.readouterr().out
    assert run("export", storage.url, name, "--to", tmp_path / "else", "--json") == 0
    assert wanted in json.loads(capsys.readouterr().out)["lines"][-1]


def test_an_index_elsewhere_holds_no_password() -> None:
    from transforms.exports.shard_links import link_to

    secret: Any = type("", (), {"storage": Storage("https://user:secret@host/out")})()
    link = link_to("shards/00000.tar", secret, Target(Storage("/elsewhere"), "wids"))
    assert link == "https://host/out/shards/00000.tar"


@pytest.mark.parametrize("name", ["sizes", "wids", "energon"])
def test_formats_of_tars_say_so_of_other_shards(name: str, storage: Storage) -> None:
    found = manifest(storage)
    packing = found.packing.model_copy(update={"format": "kept list"})
    other = exported(storage, manifest=found.model_copy(update={"packing": packing}))
    with pytest.raises(FairshardError, match=f"{name} is of webdataset tars, and the shards of"):
        export(name, other, place_in(other, name))


def test_on_an_object_store_they_are_the_same(storage: Storage) -> None:
    with s3() as store:
        store.system.put(f"{storage.url}/", f"{BUCKET}/out/", recursive=True)
        remote = Storage(f"{store.url}/out", store.options)
        for name in OF_SHARDS:
            assert run("export", storage.url, name) == 0
            found = exported(remote)
            export(name, found, place_in(found, name))
        for path in Path(storage.url, "shards").rglob("*"):
            if path.is_file():
                written = remote.find(path.relative_to(storage.url).as_posix())
                assert written == path.read_bytes(), path
        local = Path(storage.url, "croissant.json").read_bytes()
        assert remote.find("croissant.json") == local
        assert remote.find("README.md") == Path(storage.url, "README.md").read_bytes()


def test_exports_of_shards_go_with_them(finished: Path, tmp_path: Path) -> None:
    storage = output(tmp_path)
    for name in (*OF_SHARDS, "weights"):
        assert run("export", storage.url, name) == 0
    kept = Path(storage.url, "README.md")
    kept.write_text("of people")
    files = files_in(storage)
    rebalanced(asked(tmp_path, balance={**EASY, "eta": 0.4}))
    gone = {path.relative_to(storage.url).as_posix() for path in files if not path.exists()}
    assert {name for name in gone if not name.startswith("done/")} >= {
        "croissant.json",
        "shards/shardindex.json",
        "shards/.nv-meta/split.yaml",
        "shards/.nv-meta/.info.yaml",
        "shards/00000.tar.idx",
    }
    assert kept.read_text() == "of people"
    assert not [name for name in gone if name.startswith("exports/weights")]
    assert not [name for name in storage.names("done/exports") if "energon" in name]


def test_exports_of_shards_stay_with_them(tmp_path: Path) -> None:
    storage = output(tmp_path)
    for name in OF_SHARDS:
        assert run("export", storage.url, name) == 0
    shards = Path(storage.url, "shards")
    files = [
        Path(storage.url, "README.md"),
        *(path for path in shards.rglob("*") if path.is_file()),
    ]
    before = {path: path.read_bytes() for path in files}
    rebalanced(asked(tmp_path))
    assert {path: path.read_bytes() for path in files} == before


def rebalanced(config: Config) -> None:
    """All stages, with what they claim and withdraw."""
    InProcess().rebalance(config, find_shards(config.input))
