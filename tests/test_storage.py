from pathlib import Path

import pytest

from transforms.errors import FairshardError
from transforms.storage import Storage

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
    with pytest.raises(FairshardError, match=r"plan.json is missing: run the stage"):
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
