"""The whole job on a corpus with everything wrong in it: the valid is kept, the rest is named."""

import io
import json
import struct
import tarfile
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.begin.demo.corpus import MODEL
from pipelines.beam.engine import BeamEngine
from tests.fixtures import config_of, jpeg, read_members
from tests.naming import named
from transforms.config.sections import Config
from transforms.resampling.manifest import read_manifest
from transforms.shards.finding import find_shards
from transforms.storage import paths
from transforms.storage.files import output_storage

LIMITS = {"max_reject_share": 1.0, "max_lost_shards": 2, "max_lost_share": 0.5}
GOOD = {"txt": b"a man with a tie", "json": b'{"words": ["tie"]}'}


def png_header(side: int) -> bytes:
    """A PNG that says it is side x side pixels, and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + data + chunk(b"IEND", b"")


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def add_sample(archive: tarfile.TarFile, key: str, **members: bytes | None) -> None:
    for extension, content in {"jpg": jpeg(len(key)), **GOOD, **members}.items():
        if content is not None:
            add(archive, f"{key}.{extension}", content)


def add_special(archive: tarfile.TarFile, name: str, kind: bytes, target: str = "") -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    archive.addfile(info)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Shards with good samples among every kind of bad one, rebalanced keeping all that can be."""
    folder = tmp_path_factory.mktemp("corrupt")
    (folder / "in").mkdir()
    with tarfile.open(folder / "in" / "bad.tar", "w") as archive:
        add_special(archive, "folder", tarfile.DIRTYPE)
        add_sample(archive, "good-first")
        add_sample(archive, "broken-jpeg", jpg=jpeg(0)[:200])
        add_sample(archive, "huge-image", jpg=None, png=png_header(20_000))
        add_sample(archive, "no-caption", txt=None)
        add_sample(archive, "no-image", jpg=None)
        add_sample(archive, "bad-json", json=b'{"words": [')
        add_sample(archive, "latin-caption", txt="a m\xe4n".encode("latin-1"))
        add_sample(archive, "linked", txt=None)
        add_special(archive, "linked.txt", tarfile.SYMTYPE, "/etc/passwd")
        add_sample(archive, "good-middle", txt=b"a woman with a tie")
        add_sample(archive, "../outside")
        add_sample(archive, "good-first", txt=b"a key again")
        add_sample(archive, "good-last")
    with tarfile.open(folder / "in" / "cut.tar", "w") as archive:
        add_sample(archive, "whole")
        add_sample(archive, "torn")
    cut = folder / "in" / "cut.tar"
    cut.write_bytes(cut.read_bytes()[:4200])
    (folder / "in" / "zero.tar").write_bytes(b"")
    (folder / "in" / "text.tar").write_bytes(b"this is no tar at all\n" * 100)
    config = config_of(
        folder,
        input={"shards": str(folder / "in" / "*.tar"), "limits": LIMITS},
        model={"name": f"local-dir:{MODEL}"},
        similarity=True,
        balance={"eta": 1.0, "Q": 1.0},
        gates={"enabled": False},
    )
    BeamEngine(("--runner=FnApiRunner",)).rebalance(config, find_shards(config.input))
    return config


def rejects(config: Config, shard: str) -> dict[str, tuple[str, str]]:
    table: pa.Table = pq.read_table(Path(config.output.url) / paths.rejects(named(config, shard)))
    return {row["key"]: (row["stage"], row["error"]) for row in table.to_pylist()}


@pytest.mark.parametrize(
    ("key", "stage", "error"),
    [
        ("broken-jpeg", "image", ""),
        ("huge-image", "image", "400000000"),
        ("no-caption", "caption", "no caption member"),
        ("no-image", "image", "no image member"),
        ("bad-json", "metadata", "JSON"),
        ("latin-caption", "caption", "not UTF-8"),
        ("linked", "read", "symbolic link"),
        ("../outside", "read", "'..'"),
        ("good-first", "read", "occurred before"),
    ],
)
def test_a_bad_sample_is_rejected_with_its_reason(
    config: Config, key: str, stage: str, error: str
) -> None:
    found = rejects(config, "bad")[key]
    assert found[0] == stage
    assert error in found[1].replace(",", "")
    assert "\n" not in found[1]


def test_bad_shards_say_from_where_on(config: Config) -> None:
    assert "from byte" in rejects(config, "cut")["torn"][1]
    assert "empty" in rejects(config, "zero")[""][1]
    assert "byte 0" in rejects(config, "text")[""][1]


def test_all_that_is_valid_is_kept_and_all_is_accounted_for(config: Config) -> None:
    storage = output_storage(config.output)
    written = read_members(Path(config.output.url) / "shards" / "00000.tar")
    keys = [name.removesuffix(".txt") for name in written if name.endswith(".txt")]
    assert keys == ["good-first", "good-middle", "good-last", "whole"]
    assert written["good-first.txt"] == GOOD["txt"]
    totals = read_manifest(storage).totals
    assert totals.in_ == 4 + 9 + 3 == totals.kept + totals.rejected
    record = json.loads(storage.read(paths.label_record(named(config, "bad"))))
    assert record["ignored"] == {"it is a directory": 1}
