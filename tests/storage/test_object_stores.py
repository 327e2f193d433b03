"""Storage on real servers of object stores' APIs, and a whole run from and to them."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import yaml
from fsspec.asyn import sync_wrapper

from jobs.cli import main
from tests.fixtures import config_of, write_corpus
from tests.outputs import comparable
from tests.processes import PROCESSES, die
from tests.servers import BUCKET, SERVERS, Store
from transforms.base.errors import FairshardError
from transforms.storage.files import Storage

PARTS = 12 * 2**20


@pytest.fixture(scope="module", params=SERVERS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with SERVERS[request.param]() as running:
        yield running


@pytest.fixture
def storage(store: Store, request: pytest.FixtureRequest) -> Storage:
    return Storage(f"{store.url}/{abs(hash(request.node.name)):x}", store.options)


def test_what_is_published_is_read(storage: Storage) -> None:
    storage.publish("a/b.json", b"one")
    before = storage.versions("a")
    storage.publish("a/b.json", b"two")
    storage.publish("a/empty", b"")
    assert storage.read("a/b.json") == b"two"
    assert storage.names("a") == ("b.json", "empty")
    assert storage.versions("a")["b.json"] != before["b.json"]
    storage.delete("a/b.json")
    storage.delete("a/b.json")
    assert not storage.exists("a/b.json")
    assert storage.find("a/b.json") is None
    assert storage.find("a/empty") == b""


@pytest.mark.parametrize("size", [0, 7, 2**18, PARTS])
def test_a_stream_appears_when_it_ends_and_not_before(
    store: Store, storage: Storage, size: int
) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    with storage.publishing("a/b.tar") as stream:
        for start in range(0, size, 2**20):
            stream.write(content[start : start + 2**20])
        assert storage.names("a") == ()
        assert not storage.exists("a/b.tar")
    assert storage.read("a/b.tar") == content
    assert store.unfinished() == 0


@pytest.mark.parametrize("size", [4, PARTS])
def test_a_failed_attempt_leaves_the_old_file_and_nothing_else(
    store: Store, storage: Storage, size: int
) -> None:
    storage.publish("a/b.tar", b"old")
    with pytest.raises(ValueError, match="stop"), storage.publishing("a/b.tar") as stream:
        stream.write(bytes(size))
        raise ValueError("stop")
    assert storage.read("a/b.tar") == b"old"
    assert storage.names("a") == ("b.tar",)
    assert store.unfinished() == 0


def test_a_touched_object_is_younger_by_the_stores_clock(storage: Storage) -> None:
    storage.publish("a/lease", b"mine")
    before = storage.written("a")["lease"]
    assert storage.touch("a/lease", b"mine")
    assert before <= storage.written("a")["lease"]
    assert abs(storage.written("a")["lease"] - time.time()) < 3600
    assert storage.read("a/lease") == b"mine"


def test_a_killed_attempt_leaves_nothing_to_be_seen(store: Store, storage: Storage) -> None:
    attempt = PROCESSES.Process(target=write_and_die, args=(storage,))
    attempt.start()
    attempt.join(60)
    assert attempt.exitcode == -signal.SIGKILL
    assert storage.names("shards") == ()
    assert store.unfinished() == storage.url.startswith("s3")
    storage.sweep()
    assert store.unfinished() == 0


def write_and_die(storage: Storage) -> None:
    with storage.publishing("shards/00000.tar") as stream:
        stream.write(bytes(PARTS))
        die()


def test_a_bucket_that_is_not_there_is_not_made(store: Store) -> None:
    nowhere = Storage(f"{store.url}-2/out", store.options)
    with pytest.raises(FairshardError, match="cannot be written"):
        nowhere.publish("x", b"")
    assert not store.system.exists(f"{BUCKET}-2")


@pytest.fixture
def lossy(storage: Storage) -> Iterator[Storage]:
    """A storage on whose way the last byte of what is uploaded is lost or changed."""
    protocol = storage.url.partition("://")[0]
    whole = fsspec.get_filesystem_class(protocol)

    class LossyS3(whole):  # type: ignore[misc, valid-type]
        async def _call_s3(self, method: str, *given: Any, **named: Any) -> Any:
            if isinstance(named.get("Body"), bytes):
                named["Body"] = named["Body"][:-1] + bytes([named["Body"][-1] ^ 1])
            return await super()._call_s3(method, *given, **named)

        call_s3 = sync_wrapper(_call_s3)

    class LossyGcs(whole):  # type: ignore[misc, valid-type]
        async def _call(self, method: str, *given: Any, data: Any = None, **named: Any) -> Any:
            if data is not None:
                data = bytes(data).replace(b"sent", b"lost")
            return await super()._call(method, *given, data=data, **named)

        call = sync_wrapper(_call)

    changed = LossyS3 if protocol == "s3" else LossyGcs
    fsspec.register_implementation(protocol, changed, clobber=True)
    yield storage
    fsspec.register_implementation(protocol, whole, clobber=True)


def test_other_bytes_at_the_store_are_found_out(lossy: Storage) -> None:
    with pytest.raises(FairshardError, match=r"b.json holds other bytes after 7 were written"):
        lossy.publish("a/b.json", b"is sent")
    with (
        pytest.raises(FairshardError, match=r"b.tar holds other bytes after 7 .*nothing is rec"),
        lossy.publishing("a/b.tar") as stream,
    ):
        stream.write(b"is sent")
    assert not lossy.exists("a/b.tar")


@pytest.mark.parametrize("server", SERVERS)
def test_a_whole_run_writes_what_it_writes_to_a_disk(server: str, tmp_path: Path) -> None:
    with SERVERS[server]() as store:
        run_on(store, tmp_path)


def run_on(store: Store, tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=60, shards=2)
    for shard in (tmp_path / "in").iterdir():
        store.system.pipe_file(f"{BUCKET}/in/{shard.name}", shard.read_bytes())
    rebalance(tmp_path, "disk", {"shards": "in/*.tar"}, {"url": "out"})
    reached = {"storage_options": store.options}
    source = {"shards": f"{store.url}/in/*.tar", **reached}
    rebalance(tmp_path, "store", source, {"url": f"{store.url}/out", **reached})
    store.fetch("out", tmp_path / "fetched")
    assert comparable(tmp_path / "fetched") == comparable(tmp_path / "out")
    assert not list((tmp_path / "fetched").rglob(".*"))
    assert not (tmp_path / "fetched" / "done" / "running").exists()
    assert store.unfinished() == 0


def rebalance(folder: Path, name: str, source: dict[str, Any], output: dict[str, Any]) -> None:
    """A run by Beam's local runner."""
    config = config_of(
        folder,
        input=source,
        output={**output, "samples_per_shard": 10},
        balance={"eta": 0.4, "max_representation_bias": 0.2},
        gates={"enabled": False},
    )
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    with pytest.raises(SystemExit) as ended:
        main(["rebalance", str(path), "--allow-unmet", "--", "--direct_num_workers=1"])
    assert not ended.value.code
