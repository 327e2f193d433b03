"""Keys that are unique in a whole output: of repeats, of like-named shards, of any form of name."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.look import verify
from jobs.run import rebalance
from tests.fixtures import config_of, write_corpus
from tests.inprocess import Dying, InProcess
from tests.outputs import finished_output
from tests.runs import quiet
from tests.tampering import edit_json, fit_digests
from transforms.config.sections import Config
from transforms.resampling.unique_keys import key_prefixes, unique_key
from transforms.shards.naming import name_of, stem_of
from transforms.storage.files import output_storage
from transforms.verification.unique import beginnings, told_by

EVERYTHING = {"eta": 1.0, "Q": 1.0, "max_representation_bias": 1, "max_association_bias": 1}
REPEATING = {**EVERYTHING, "eta": 2.5, "Q": 4.0}
LONG = "a folder/" + "x" * 120 + "/ü"
KEYS = ["x", "x-1", "x--1", "x~1", "x~1--x", "./x", "a/x", "a.b/x", "--x", "x--", LONG]
FORMS = {
    "ustar": tarfile.USTAR_FORMAT,
    "gnu": tarfile.GNU_FORMAT,
    "pax": tarfile.PAX_FORMAT,
}
WORDS = ["woman", "man", "nurse"]


def tar_of(path: Path, keys: list[str], form: int) -> None:
    """A tar with a sample of each key, of words that differ."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=form) as archive:
        for number, key in enumerate(keys):
            words = [WORDS[number % 3]]
            for extension, content in {
                "txt": f"a {words[0]} of {path} {number}".encode(),
                "json": json.dumps({"words": words}).encode(),
                "seg.png": bytes(range(number, number + 9)),
            }.items():
                info = tarfile.TarInfo(f"{key}.{extension}")
                info.size, info.mtime, info.mode = len(content), 1_600_000_000 + number, 0o640
                archive.addfile(info, io.BytesIO(content))


def config_at(folder: Path, **changes: Any) -> Config:
    output = {"url": "out", "samples_per_shard": 7, "keys": "unique", **changes.pop("output", {})}
    given = {"balance": EVERYTHING, "gates": {"enabled": False}, **changes}
    return config_of(folder, output=output, **given)


def samples(out: Path) -> list[tuple[str, dict[str, bytes]]]:
    """The samples of an output, as webdataset takes keys for names: key, and content by ending."""
    found: list[tuple[str, dict[str, bytes]]] = []
    for shard in sorted((out / "shards").glob("*.tar")):
        with tarfile.open(shard) as archive:
            for member in archive:
                folder, slash, last = member.name.rpartition("/")
                stem, _, ending = last.partition(".")
                key = f"{folder}{slash}{stem}"
                if not found or found[-1][0] != key:
                    found.append((key, {}))
                stream = archive.extractfile(member)
                assert stream is not None
                found[-1][1][ending] = stream.read()
    return found


def agrees(config: Config) -> bool:
    return bool(verify.run(output_storage(config.output), None, "", None, True, quiet())["agrees"])


@pytest.mark.parametrize("balance", [EVERYTHING, REPEATING], ids=["once", "repeated"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_no_key_comes_twice_whatever_keys_there_are(
    tmp_path: Path, balance: dict[str, Any], form: int
) -> None:
    """Shards of one stem, keys that look as others' repeats, folders, names beyond 100 bytes."""
    shards = ["a/00000.tar", "b/00000.tar", "part.0001.tar", "part-0001~1.tar", "~.tar"]
    keys = KEYS[:-1] if form == tarfile.USTAR_FORMAT else KEYS
    for shard in shards:
        tar_of(tmp_path / "in" / shard, keys, form)
    config = config_at(tmp_path, input={"shards": "in/**/*.tar"}, balance=balance)
    finished_output(config)
    found = samples(tmp_path / "out")
    assert len({key for key, _ in found}) == len(found)
    assert len(found) == len(shards) * len(keys) if balance is EVERYTHING else len(found) > 80
    assert all(set(members) == {"txt", "json", "seg.png"} for _, members in found)
    origins = {
        (name_of(str(tmp_path / "in" / shard)), key): f"of {tmp_path / 'in' / shard} {number}"
        for shard in shards
        for number, key in enumerate(keys)
    }
    tables = sorted((tmp_path / "out" / "shards").glob("*.parquet"))
    rows = [row for table in tables for row in pq.read_table(table).to_pylist()]
    assert [row["key"] for row in rows] == [key for key, _ in found]
    for row, (_, members) in zip(rows, found, strict=True):
        assert members["txt"].decode().endswith(origins[row["from.shard"], row["from.key"]])
    assert agrees(config)


def test_only_names_differ_in_headers(tmp_path: Path) -> None:
    """Times, modes and all else are the input's; each checksum is right, as tarfile reads it."""
    tar_of(tmp_path / "in" / "00000.tar", KEYS, tarfile.PAX_FORMAT)
    finished_output(config_at(tmp_path, output={"samples_per_shard": 100}))
    paths = (tmp_path / "in" / "00000.tar", tmp_path / "out" / "shards" / "00000.tar")
    with tarfile.open(paths[0]) as before, tarfile.open(paths[1]) as after:
        members = list(zip(before, after, strict=True))
    for old, new in members:
        for part in ("size", "mtime", "mode", "uid", "gid", "type"):
            assert getattr(old, part) == getattr(new, part)
        folder, slash, last = old.name.rpartition("/")
        assert new.name == f"{folder}{slash}00000--{last}"


def test_a_corpus_that_moves_keeps_its_keys_where_each_stem_is_there_once(tmp_path: Path) -> None:
    for place in ("here", "there"):
        write_corpus(tmp_path / place, samples=90)
        finished_output(config_at(tmp_path / place, balance=REPEATING))
    here, there = (sorted((tmp_path / p / "out/shards").glob("*.tar")) for p in ("here", "there"))
    assert [path.read_bytes() for path in here] == [path.read_bytes() for path in there]


def test_another_form_of_keys_is_another_output(tmp_path: Path) -> None:
    def said(config: Config) -> list[str]:
        console = quiet()
        rebalance.run(config, InProcess(), console)
        return str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]

    write_corpus(tmp_path, samples=60)
    unique = config_at(tmp_path, output={"samples_per_shard": 20})
    kept = config_at(tmp_path, output={"samples_per_shard": 20, "keys": "keep"})
    said(kept)
    plain = samples(tmp_path / "out")
    assert "the output is written again: output.keys changed" in said(unique)
    renamed = samples(tmp_path / "out")
    assert [key.partition("--")[2] for key, _ in renamed] == [key for key, _ in plain]
    with pytest.raises(KeyboardInterrupt):
        rebalance.run(kept, Dying(2), quiet())
    said(unique)
    assert samples(tmp_path / "out") == renamed
    assert json.loads((tmp_path / "out/manifest.json").read_text())["packing"]["keys"] == "unique"
    assert said(unique)[-1] == "the output is complete: nothing to do"


def renamed(old: bytes, new: bytes) -> Callable[[Path], None]:
    """All members of one sample get another key of as many bytes, and headers that fit."""

    def change(out: Path) -> None:
        shard = out / "shards" / "00001.tar"
        content = bytearray(shard.read_bytes())
        at = content.find(old)
        assert at >= 0
        while at >= 0:
            start = at - at % 512
            content[at : at + len(old)] = new
            content[start + 148 : start + 156] = b" " * 8
            total = sum(content[start : start + 512])
            content[start + 148 : start + 156] = b"%06o\0 " % total
            at = content.find(old, at + 1)
        shard.write_bytes(content)
        fit_digests(out, 1)

    return change


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        (b"00000--0000025", b"00000--0000026", "keys"),
        (b"00000--0000025", b"00001--0000025", "order"),
        (b"00000--0000025", b"00000~10000025", "order"),
        (b"00000--0000025", b"0000000-000025", "order"),
    ],
)
def test_a_key_that_tells_something_else_is_noticed(
    tmp_path: Path, old: bytes, new: bytes, check: str
) -> None:
    write_corpus(tmp_path, samples=60, shards=2)
    config = config_at(tmp_path, output={"samples_per_shard": 25})
    finished_output(config)
    assert agrees(config)
    renamed(old, new)(tmp_path / "out")
    found = verify.run(output_storage(config.output), None, "", None, True, quiet())["checks"]
    assert check in [row["name"] for row in found if row["result"] == "differs"]


def test_a_key_of_two_shards_is_noticed_though_the_input_shares_keys(tmp_path: Path) -> None:
    for shard in ("a", "b"):
        tar_of(tmp_path / "in" / f"{shard}.tar", ["x", "y", "z"], tarfile.USTAR_FORMAT)
    config = config_at(tmp_path, output={"samples_per_shard": 3, "keys": "keep"})
    finished_output(config)
    assert agrees(config)
    edit_json(tmp_path / "out" / "manifest.json", lambda m: m["packing"].update(keys="unique"))
    found = verify.run(output_storage(config.output), None, "", None, True, quiet())["checks"]
    (keys,) = [row for row in found if row["name"] == "keys"]
    assert "in more than one output shard" in keys["remark"]
    assert "where each was to be unique" in keys["remark"]


NAMES = st.text(st.sampled_from("ab-~._0"), min_size=1, max_size=6)
PARTS = st.text(st.sampled_from("ab-~01"), min_size=1, max_size=6)


@given(
    st.lists(st.tuples(PARTS, NAMES), min_size=1, max_size=4, unique=True),
    st.lists(st.tuples(st.sampled_from(["", "./", "a/"]), PARTS), min_size=1, max_size=4),
)
def test_no_two_copies_of_any_corpus_have_one_key(
    urls: list[tuple[str, str]], keys: list[tuple[str, str]]
) -> None:
    shards = {name_of(f"/{folder}/{name}.tar") for folder, name in urls}
    prefixes = key_prefixes(shards)
    assert prefixes == beginnings(shards)
    copies = {
        unique_key(folder + key, repeat, prefixes[shard]): (shard, folder + key, repeat)
        for shard in shards
        for folder, key in keys
        for repeat in range(12)
    }
    assert len(copies) == len(shards) * len(set(keys)) * 12
    for written, (shard, key, repeat) in copies.items():
        assert told_by(written, prefixes[shard]) == (key, repeat)
        assert written.rpartition("/")[2].count(".") == 0


def test_names_of_old_are_told_apart() -> None:
    """Shards were once named without a digest of their URL."""
    shards = ["00000", "00000--1", "00000-1", "00000--0123456789ab"]
    prefixes = key_prefixes(shards)
    assert len(set(prefixes.values())) == len(shards)
    assert prefixes == beginnings(shards)
    assert stem_of(shards[3]) == "00000"
