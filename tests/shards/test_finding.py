"""Which files input shards are found in, and what is said of the others: on real folders."""

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures import write_tar
from tests.servers import BUCKET, SERVERS
from tests.web import protected
from transforms.base.errors import FairshardError, StaleError, UnreachableError
from transforms.config.sections import Input
from transforms.shards.finding import Found, Shard, found_in
from transforms.shards.left_out import in_words
from transforms.shards.naming import stem_of
from transforms.shards.streams import open_tar
from transforms.shards.unchanged import require_unchanged

SENTENCE = (
    r"the input shard \S+ cannot be looked up: .+; see to it, then run the same command again"
)


def found(*patterns: object) -> Found:
    return found_in(Input(shards=tuple(map(str, patterns))))


def stems(*patterns: object) -> list[str]:
    return [stem_of(shard.name) for shard in found(*patterns).shards]


def said(*patterns: object) -> str:
    return in_words(found(*patterns).left_out)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the shards 00000, 00001 and 00002."""
    for name in ("00000", "00001", "00002"):
        write_tar(tmp_path / "in" / f"{name}.tar", {f"{name}.txt": b"x"})
    return tmp_path / "in"


def test_globs_braces_lists_and_what_open_clip_joins(folder: Path) -> None:
    assert stems(f"{folder}/*.tar") == ["00000", "00001", "00002"]
    assert stems(f"{folder}/{{00000..00001}}.tar") == ["00000", "00001"]
    assert stems(f"{folder}/0000{{{{0,1}},2}}.tar") == ["00000", "00001", "00002"]
    assert stems(f"{folder}/00002.tar", f"{folder}/00000.tar") == ["00000", "00002"]
    joined = f"{folder}/00000.tar::{folder}/0000{{1..2}}.tar::{folder}/*0.tar"
    assert stems(joined) == ["00000", "00001", "00002"]
    (shard,) = found(f"{folder}/00000.tar").shards
    assert shard.bytes == (folder / "00000.tar").stat().st_size
    assert shard.version


def test_a_file_counts_once_however_it_is_spelled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / "link").symlink_to(folder)
    (folder / "again.tar").symlink_to("00000.tar")
    monkeypatch.chdir(folder)
    spellings = [
        f"{folder}/*.tar",
        f"{folder}//00001.tar",
        f"{folder}/./00001.tar",
        f"{folder}/../in/00001.tar",
        f"file://{folder}/00001.tar",
        f"{folder.parent}/link/00001.tar",
        f"{folder.parent}/li*/*.tar",
        "00001.tar",
    ]
    seen = found(*spellings)
    assert [shard.url for shard in seen.shards] == [f"{folder}/0000{n}.tar" for n in range(3)]
    (twice,) = seen.left_out
    assert twice.reason == "named twice"
    assert {"again.tar", "00001.tar"} <= set(twice.names)


def test_links_are_followed_and_one_that_leads_nowhere_is_named(folder: Path) -> None:
    snapshot = folder.parent / "snapshots" / "1f2e"
    snapshot.mkdir(parents=True)
    blob = folder.parent / "blobs" / "abc"
    blob.parent.mkdir()
    (folder / "00001.tar").rename(blob)
    for name, target in {"00007.tar": blob, "up": folder.parent, "sub": folder}.items():
        (snapshot / name).symlink_to(target)
    assert [s.bytes for s in found(f"{snapshot}/*.tar").shards] == [blob.stat().st_size]
    assert stems(f"{folder.parent}/snap*/*/*.tar") == ["00007"]
    assert stems(f"{snapshot}/*/*.tar") == ["00000", "00002"]
    assert stems(f"{snapshot}/**/*.tar") == ["00000", "00002", "00007"]
    version = found(f"{snapshot}/*.tar").shards[0].version
    os.utime(blob, (1, 1))
    assert found(f"{snapshot}/00007.tar").shards[0].version != version
    blob.unlink()
    for pattern in ("*.tar", "00007.tar"):
        with pytest.raises(FairshardError, match=r"00007\.tar .*does not exist"):
            found(f"{snapshot}/{pattern}")


def test_the_version_of_a_link_is_its_targets(folder: Path) -> None:
    (folder / "linked.tar").symlink_to(folder / "00000.tar")
    for time, pattern in enumerate(("linked.tar", "l*.tar")):
        (before,) = found(folder / pattern).shards
        os.utime(folder / "00000.tar", (time, time))
        (after,) = found(folder / pattern).shards
        assert after != before
        require_unchanged(after, {})
        with pytest.raises(StaleError, match="changed while the run went on"):
            require_unchanged(before, {})


def test_what_is_matched_and_not_read_is_counted_by_reason(folder: Path) -> None:
    for name in ("._00000.tar", ".x.tar", "00000.idx", "wids.json"):
        (folder / name).write_bytes(b"x")
    (folder / "old.tar").mkdir()
    os.mkfifo(folder / "pipe.tar")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "s.tar"))
        assert stems(f"{folder}/*") == ["00000", "00001", "00002"]
    assert said(f"{folder}/*") == (
        "left out of the input: 1 a folder (old.tar); 2 hidden (._00000.tar, .x.tar); "
        "2 not a file (pipe.tar, s.tar); 2 not named as a shard (00000.idx, wids.json)"
    )
    assert stems(f"{folder}/*.tar", f"{folder}/.x.tar") == ["00000", "00001", "00002", "x"]
    assert "1 hidden (._00000.tar)" in said(f"{folder}/*.tar", f"{folder}/.x.tar")
    (folder / "._00003.tar").write_bytes(b"x")
    (folder / "._00004.tar").write_bytes(b"x")
    assert "4 hidden (._00000.tar, ._00003.tar, ._00004.tar, ...)" in said(f"{folder}/*.tar")


def test_names_as_hostile_as_files_may_have(folder: Path) -> None:
    for name in ("a b\n[1].TAR", "ü{x}.tar.zst", "\x1b[31m.txt"):
        (folder / name).write_bytes(b"x")
    assert stems(f"{folder}/*") == ["00000", "00001", "00002", "_x_", "a_b_1_"]
    assert said(f"{folder}/*").endswith(r"(\x1b[31m.txt)")
    assert stems(f"{folder}/a b\n[1].TAR") == ["a_b_1_"]
    assert stems(f"{folder}/a b\n[[]1].TAR") == ["a_b_1_"]
    assert stems(rf"{folder}/ü\{{x\}}.tar.zst") == ["_x_"]
    (folder / os.fsdecode(b"\xff.tar")).write_bytes(b"x")
    with pytest.raises(FairshardError, match=r"\\udcff.tar is not UTF-8: rename"):
        found(f"{folder}/*")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("none.tar", "does not exist"),
        ("none*.tar", r"no shard \(.tar, .*\) matches"),
        ("{0..2", "not balanced"),
        ("{0..2}.tar", "does not exist"),
        ("{0..9999999}.tar", "more than 5,000,000 paths"),
        ("in/", r"in/ is a folder: write .*in/\*.tar"),
        ("in", r"in is a folder: write .*in/\*.tar"),
        ("i*", r"matches folders: write .*/i\*/\*.tar"),
        ("in/x[1]/*.tar", r"\[\[\] stands for a \["),
        ("in/00000.idx", r"00000.idx is not named as a shard: its name must end in .tar, "),
        ("in/*.idx", r"left out of the input: 1 not named as a shard \(00000.idx\)"),
    ],
)
def test_what_is_not_there_or_no_shard_is_named(folder: Path, pattern: str, expected: str) -> None:
    (folder / "00000.idx").write_bytes(b"x")
    with pytest.raises(FairshardError, match=expected):
        found(f"{folder}/*.tar", f"{folder.parent}/{pattern}")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("pipe:curl -s https://host/a.tar", "runs a command, and fairshard runs none: write"),
        ("nope://host/a.tar", "nope://host/a.tar cannot be read: Protocol not known"),
    ],
)
def test_a_form_that_is_refused_says_what_to_write(pattern: str, expected: str) -> None:
    with pytest.raises(FairshardError, match=expected):
        found(pattern)


def test_folders_that_another_pattern_reads_are_not_left_out(folder: Path) -> None:
    for name in (".hidden", "more"):
        write_tar(folder / name / "x.tar", {"x.txt": b"x"})
    assert said(f"{folder}/*") == "left out of the input: 1 a folder (more); 1 hidden (.hidden)"
    assert said(f"{folder}/*", f"{folder}/.hidden/*.tar", f"{folder}/more/*.tar") == ""


def test_a_web_server_that_refuses_or_is_gone_does_not_make_a_shard_missing(folder: Path) -> None:
    with protected(folder, "me", "word", lambda: None) as (host, port):
        url = f"http://{host}:{port}/00000.tar"
        with pytest.raises(UnreachableError, match=r"cannot be looked up: 401, .*; see to it"):
            found(url)
        reading = pytest.raises(UnreachableError, match=r"cannot be read: 401, .*; see to it")
        with reading, open_tar(url, {}):
            pass
    with pytest.raises(UnreachableError, match="cannot be looked up: Connect call failed"):
        found(url)


def test_what_cannot_be_looked_up_is_one_sentence_wherever_it_is_asked(folder: Path) -> None:
    (folder / "turns").mkdir()
    (folder / "turns" / "loop.tar").symlink_to("loop.tar")
    gone = "http://127.0.0.1:9/00000.tar"
    asking: list[Callable[[], object]] = [
        lambda: found(gone),
        lambda: found(f"{folder}/turns/*.tar"),
        lambda: found(f"zip://00000.tar::{folder}/none.zip"),
        lambda: require_unchanged(Shard("00000", gone, 1, ""), {}),
    ]
    for ask in asking:
        with pytest.raises(UnreachableError) as caught:
            ask()
        assert re.fullmatch(SENTENCE, str(caught.value))


def test_an_object_store_is_read_alike() -> None:
    with SERVERS["s3"]() as store:
        for name in ("00000.tar", "._00000.tar", "00001.tar", "x/00000.tar", "a.idx", "r[1].tar"):
            store.system.pipe_file(f"{BUCKET}/in/{name}", b"x")

        def seen(*patterns: str) -> tuple[list[str], str]:
            source = Input(shards=patterns, storage_options=store.options)
            seen = found_in(source)
            return [s.url.rpartition("/in/")[2] for s in seen.shards], in_words(seen.left_out)

        url = f"{store.url}/in"
        assert seen(f"{url}/*") == (
            ["00000.tar", "00001.tar", "r[1].tar"],
            "left out of the input: 1 a folder (x); 1 hidden (._00000.tar); "
            "1 not named as a shard (a.idx)",
        )
        deep = seen(f"{url}/**/*.tar", f"{url}/00001.tar::{url}/r[1].tar")
        assert sorted(deep[0]) == ["00000.tar", "00001.tar", "r[1].tar", "x/00000.tar"]
        with pytest.raises(FairshardError, match=r"is a folder: write .*/x/\*.tar"):
            seen(f"{url}/x")
        for number in range(60):
            store.system.pipe_file(f"{BUCKET}/many/{number:05d}.tar", b"x")
        glob, braces, more = (
            Input(shards=f"{store.url}/many/{files}.tar", storage_options=store.options)
            for files in ("*", "{00000..00059}", "{00000..00060}")
        )
        assert found_in(braces) == found_in(glob)
        with pytest.raises(FairshardError, match=r"00060.tar does not exist"):
            found_in(more)


def test_each_folder_that_braces_name_holds_a_shard(folder: Path) -> None:
    (folder.parent / "empty").mkdir()
    with pytest.raises(FairshardError, match=r"no shard .* matches .*/empty/\*\.tar: correct"):
        found(f"{folder.parent}/{{in,empty}}/*.tar")
