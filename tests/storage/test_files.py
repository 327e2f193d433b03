from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from transforms.base.errors import FairshardError
from transforms.storage.atomic import hidden
from transforms.storage.files import Storage

PLACES = ["disk", "memory"]


@pytest.fixture(params=PLACES)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return Storage(str(tmp_path) if request.param == "disk" else f"memory://{tmp_path.name}")


def test_what_is_published_is_read(storage: Storage) -> None:
    storage.publish("a/b.json", b"one")
    storage.publish("a/b.json", b"two")
    assert storage.read("a/b.json") == b"two"
    assert storage.names("a") == ("b.json",)
    assert storage.exists("a/b.json")


def test_a_failed_attempt_leaves_the_old_file_and_nothing_else(storage: Storage) -> None:
    storage.publish("a/b.json", b"old")
    with pytest.raises(ValueError, match="stop"), storage.publishing("a/b.json") as stream:
        stream.write(b"half")
        raise ValueError("stop")
    assert storage.read("a/b.json") == b"old"
    assert storage.names("a") == ("b.json",)
    if "://" not in storage.url:
        assert [path.name for path in Path(storage.url, "a").iterdir()] == ["b.json"]


def test_nothing_is_seen_before_the_end(storage: Storage) -> None:
    with storage.publishing("a/b.json") as stream:
        stream.write(b"half")
        assert not storage.exists("a/b.json")
        assert storage.names("a") == ()
    assert storage.names("a") == ("b.json",)


def test_a_missing_file_is_one_sentence(storage: Storage) -> None:
    with pytest.raises(FairshardError, match=r"plan.json is missing: run `fairshard solve` again"):
        storage.read("plan/plan.json")
    assert storage.names("nowhere") == ()


def test_deleting_is_idempotent(storage: Storage) -> None:
    storage.publish("x", b"")
    storage.delete("x")
    storage.delete("x")
    assert not storage.exists("x")


def test_a_rewritten_file_has_another_version(storage: Storage) -> None:
    storage.publish("a/x", b"1")
    before = storage.versions("a")
    storage.publish("a/x", b"2")
    assert storage.versions("a") != before


def test_a_touched_file_is_younger_by_the_storages_clock(storage: Storage) -> None:
    storage.publish("a/x", b"1")
    before = storage.written("a")["x"]
    storage.publish("a/.y.tmp", b"2")
    assert storage.touch("a/x", b"1")
    after = storage.written("a")
    assert list(after) == [".y.tmp", "x"]
    assert before <= after[".y.tmp"] <= after["x"]
    assert storage.read("a/x") == b"1"


def test_a_sweep_takes_what_is_hidden_and_nothing_else(storage: Storage) -> None:
    left = [hidden(name) for name in ("shards/00000.tar", "done/run.json")]
    others = ["shards/00000.tar", "x.tmp", "shards/.mine.tmp"]
    for name in (*left, *others):
        storage.publish(name, b"")
    storage.sweep()
    assert [name for name in (*left, *others) if storage.exists(name)] == others


class Lossy(MemoryFileSystem):
    """A file system that has lost a byte of each file when it is asked for sizes."""

    protocol = "lossy"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    def size(self, path: str) -> Any:
        return super().size(path) - 1


@pytest.fixture
def lossy() -> Storage:
    fsspec.register_implementation("lossy", Lossy, clobber=True)
    return Storage("lossy://lossy")


def test_a_file_that_is_not_what_was_written_is_not_published(lossy: Storage) -> None:
    sentence = r"a/x holds 2 bytes after 3 were written: nothing is recorded of it; check the"
    with pytest.raises(FairshardError, match=sentence):
        lossy.publish("a/x", b"one")
    assert lossy.names("a") == ()
    assert not Lossy.store


def test_a_name_that_cannot_be_taken_leaves_nothing_behind(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    (tmp_path / "a" / "x").mkdir(parents=True)
    with pytest.raises(FairshardError, match="a/x cannot be written"):
        storage.publish("a/x", b"")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x"]
