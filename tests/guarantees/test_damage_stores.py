"""Damage on S3, where files have versions, and a request a file would be slow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from s3fs import S3FileSystem

from jobs.run import rebalance
from tests.fixtures import config_of, write_corpus
from tests.inprocess import InProcess
from tests.runs import quiet
from tests.servers import BUCKET, Store, s3
from transforms.base.errors import FairshardError, StaleError
from transforms.config.sections import Config
from transforms.storage.files import Storage


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with s3() as running:
        yield running


@pytest.fixture
def config(store: Store, tmp_path: Path) -> Config:
    """An output on S3 of a corpus on S3, finished."""
    write_corpus(tmp_path, samples=60, shards=2)
    for shard in (tmp_path / "in").iterdir():
        store.system.pipe_file(f"{BUCKET}/{tmp_path.name}/in/{shard.name}", shard.read_bytes())
    reached = {"storage_options": store.options}
    url = f"{store.url}/{tmp_path.name}"
    config = config_of(
        tmp_path,
        input={"shards": f"{url}/in/*.tar", **reached},
        output={"url": f"{url}/out", "samples_per_shard": 10, **reached},
        balance={"eta": 0.4, "max_representation_bias": 0.2},
        gates={"enabled": False},
    )
    said(config)
    return config


def said(config: Config) -> list[str]:
    console = quiet()
    rebalance.run(config, InProcess(), console)
    return str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]


def contents(store: Store, config: Config) -> dict[str, bytes]:
    root = config.output.url.removeprefix("s3://")
    names = [
        name
        for part in ("shards", "labels", "rejects", "plan")
        for name in store.system.find(f"{root}/{part}")
    ]
    return {name: store.system.cat_file(name) for name in [*names, f"{root}/manifest.json"]}


@pytest.mark.parametrize("part", ["shards/00001.tar", "shards/00001.parquet", "labels/00001"])
def test_other_bytes_of_the_same_size_are_seen_by_their_version(
    store: Store, config: Config, part: str
) -> None:
    before = contents(store, config)
    name = next(name for name in before if f"/{part}" in name)
    store.system.pipe_file(name, bytes(len(before[name])))
    lines = said(config)
    expected = {
        "shards/00001.parquet": "shards/00001.parquet beside the shards is written again: its file "
        "is changed",
        "shards/00001.tar": "1 of 3 output shards is written again: its file is changed",
        "labels/00001": "1 of 2 shards is labelled again: 1 with a table of labels or rejects that "
        "was cut or changed; 1 are kept",
    }
    assert expected[part] in lines
    assert contents(store, config) == before


def test_the_same_bytes_in_another_version_are_complete(store: Store, config: Config) -> None:
    before = contents(store, config)
    for name in before:
        if name.endswith((".tar", ".parquet")):
            with store.system.open(name, "wb", block_size=5 * 2**20, autocommit=False) as stream:
                stream.write(before[name])
            stream.commit()
    assert said(config)[-1] == "the output is complete: nothing to do"


def test_a_finished_output_costs_a_listing_a_folder(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    plain = S3FileSystem._call_s3

    async def counted(self: Any, method: str, *given: Any, **named: Any) -> Any:
        asked.append(f"{method} {named.get('Key', '')}")
        return await plain(self, method, *given, **named)

    monkeypatch.setattr(S3FileSystem, "_call_s3", counted)
    said(config)
    folders = ("/out/shards/", "/out/labels/", "/out/rejects/")
    assert asked
    assert [call for call in asked if any(folder in call for folder in folders)] == []


def test_a_shard_that_was_put_again_during_the_run_is_stale(
    store: Store, config: Config, tmp_path: Path
) -> None:
    class Changing(InProcess):
        def wrote(self) -> None:
            name = f"{BUCKET}/{tmp_path.name}/in/00001.tar"
            store.system.pipe_file(name, store.system.cat_file(name).replace(b"nurse", b"other"))

    seeded = config.model_copy(update={"seed": 3})
    with pytest.raises(StaleError, match="changed while the run went on"):
        rebalance.run(seeded, Changing(), quiet())
    lines = said(seeded)
    assert "1 of 2 shards is labelled again: 1 changed (time or etag); 1 are kept" in lines


def test_a_shard_whose_run_died_before_its_record_is_written_again(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told from a file of the user's, which is refused."""
    plain = Storage.publish
    packed = config.output.model_copy(update={"samples_per_shard": 4})
    smaller = config.model_copy(update={"output": packed})

    def dying(storage: Storage, name: str, content: bytes) -> None:
        if name == "done/shards/00004.json":
            raise KeyboardInterrupt
        plain(storage, name, content)

    monkeypatch.setattr(Storage, "publish", dying)
    with pytest.raises(KeyboardInterrupt):
        said(smaller)
    monkeypatch.undo()
    root = config.output.url.removeprefix("s3://")
    assert store.system.exists(f"{root}/shards/00004.tar")
    assert not store.system.exists(f"{root}/done/shards/00004.json")
    said(smaller)
    assert said(smaller)[-1] == "the output is complete: nothing to do"
    said(config)
    store.system.pipe_file(f"{root}/shards/00004.tar", b"mine")
    with pytest.raises(FairshardError, match=r"00004\.tar would be overwritten"):
        said(smaller)
    assert store.system.cat_file(f"{root}/shards/00004.tar") == b"mine"
