from pathlib import Path

import pytest

from tests.fixtures import write_tar
from transforms.config import Input
from transforms.errors import FairshardError
from transforms.shards import find_shards, unique_names


def found(*patterns: str) -> list[str]:
    return [shard.name for shard in find_shards(Input(shards=patterns))]


def test_globs_braces_and_lists(tmp_path: Path) -> None:
    for name in ("00000", "00001", "00002"):
        write_tar(tmp_path / f"{name}.tar", {f"{name}.txt": b"x"})
    assert found(f"{tmp_path}/*.tar") == ["00000", "00001", "00002"]
    assert found(f"{tmp_path}/{{00000..00001}}.tar") == ["00000", "00001"]
    assert found(f"{tmp_path}/00002.tar", f"{tmp_path}/00000.tar") == ["00000", "00002"]
    shard = find_shards(Input(shards=(f"{tmp_path}/00000.tar",)))[0]
    assert shard.bytes == (tmp_path / "00000.tar").stat().st_size
    assert shard.version


def test_a_shard_named_twice_counts_once(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"1.txt": b"x"})
    assert found(f"{tmp_path}/*.tar", f"{tmp_path}/a.tar") == ["a"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("none.tar", "does not exist"),
        ("*.tar", "no shard"),
        ("{0..2", "not balanced"),
        ("{0..2}.tar", "does not exist"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, pattern: str, expected: str) -> None:
    with pytest.raises(FairshardError, match=expected):
        found(f"{tmp_path}/{pattern}")


def test_names_are_the_shortest_that_tell_apart() -> None:
    assert unique_names(["/x/a.tar", "/x/b.tar.gz"]) == {"/x/a.tar": "a", "/x/b.tar.gz": "b"}
    assert set(unique_names(["/x/p/a.tar", "/x/q/a.tar", "/x/q/b.tar"]).values()) == {
        "p__a",
        "q__a",
        "q__b",
    }
    with pytest.raises(FairshardError, match="share the name"):
        unique_names(["/x/a.tar", "/x/a.tar.gz"])
