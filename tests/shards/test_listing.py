"""Patterns on real folders: what matches, and that no folder is left out in silence."""

from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from hypothesis import given
from hypothesis import strategies as st

from transforms.base.errors import FairshardError
from transforms.shards.listing import Matches, matching_files

FILES = ["a.tar", "b.tar", "b.txt", "x/a.tar", "x/y/a.tar", "x/y/z/c.tar", "z/a.tar"]


class Failing(LocalFileSystem):
    """Local files, but that the folders named `lost` cannot be listed."""

    def ls(self, path, detail=False, **options):  # type: ignore[no-untyped-def]
        if path.rstrip("/").endswith("lost"):
            raise PermissionError(13, "Permission denied")
        return super().ls(path, detail=detail, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listing")
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


@given(
    st.lists(
        st.sampled_from(["*", "**", "x", "?", "[xz]", "*.tar", "a.tar", "[ab].*"]),
        min_size=1,
        max_size=4,
    ).filter(lambda parts: any(set(part) & set("*?[") for part in parts))
)
def test_matches_are_those_of_pathlib(folder: Path, parts: list[str]) -> None:
    pattern = "/".join(parts)
    tail = "/*" if parts[-1] == "**" else ""
    wanted = {str(path) for path in folder.glob(pattern + tail) if path.is_file()}
    system = fsspec.filesystem("file")
    assert set(matching_files(system, f"{folder}/{pattern}").files) == wanted


def test_a_folder_that_cannot_be_listed_is_no_empty_one(tmp_path: Path) -> None:
    for name in ("here/a.tar", "lost/b.tar"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(FairshardError, match=r"the folder .*lost cannot be listed: .*denied"):
        matching_files(Failing(), f"{tmp_path}/*/*.tar")
    with pytest.raises(FairshardError, match="lost cannot be listed"):
        matching_files(Failing(), f"{tmp_path}/**/*.tar")


def test_nothing_matches_in_no_folder(tmp_path: Path) -> None:
    assert matching_files(fsspec.filesystem("file"), f"{tmp_path}/none/*.tar") == Matches()


def test_it_lists_a_memory_file_system() -> None:
    system = fsspec.filesystem("memory")
    system.pipe_file("/listed/x/a.tar", b"")
    assert set(matching_files(system, "/listed/*/*.tar").files) == {"/listed/x/a.tar"}
