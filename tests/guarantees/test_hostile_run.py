"""All stages run on hostile shards: nothing outside is written, and all that is good is kept."""

import gzip
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests import fuzzing
from tests.bombs import exif, jpeg_of, scans
from tests.fixtures import jpeg, read_members
from tests.labels.test_corrupt import png_header
from tests.shards.test_samples import HOSTILE, UNREADABLE
from tests.tarmaking import raw_entry
from transforms.shards.headers import END_OF_ARCHIVE

MOST_MIB = 400
CAPTION = b"a man <script>alert(1)</script> &amp; \0 'quoted'"
BAD = {
    "png-bomb": {"png": png_header(65_500)},
    "jpeg-bomb": {"jpg": jpeg_of(65_500)},
    "moving-bomb": {"png": (fuzzing.FOUND / "images/moving-png-of-6-petapixels").read_bytes()},
    "exif-bomb": {"jpg": exif(100_000)},
    "scan-bomb": {"jpg": scans(60_000)},
    "long-caption": {"txt": b"a man " * 2_000_000},
    "large-metadata": {"json": b'{"a":[' + b",".join([b'{"a":9}'] * 2_000_000) + b"]}"},
    "deep-metadata": {"json": b'{"a":' + b"[" * 2_000_000},
}
RUN = """
import resource, sys
from pathlib import Path
from tests.outputs import config_for, finished_output
from jobs.begin.demo.corpus import MODEL

names = {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")}
config = config_for(
    Path(sys.argv[1]),
    input={"limits": {"max_reject_share": 1.0, "max_lost_share": 1.0}},
    attributes={"gender": {"names": names}},
    labels={"thing": {"field": "words", "names": ["tie"]}},
    model={"name": f"local-dir:{MODEL}"},
    similarity=True,
    balance={"eta": 1.0},
)
from transforms.recognition.vision import Vision
Vision(config, config.model)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
finished_output(config)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def files_below(folder: Path) -> dict[str, bytes]:
    """The files in `folder` but those of the output, and what they hold."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if not path.is_relative_to(folder / "job" / "out")
    }


def entries(key: str, caption: bytes = b"a man", **members: bytes) -> bytes:
    """The tar entries of a sample that is good but for `members`."""
    held = {"jpg": jpeg(len(key)), "txt": caption, "json": b'{"words": ["tie"]}'} | members
    if "png" in members:
        held.pop("jpg")
    return b"".join(raw_entry(f"{key}.{name}".encode(), held[name]) for name in held)


def shards(outside: Path) -> dict[str, bytes]:
    """Shards by name, each with two good samples, or one, and something hostile."""
    middles = [middle for middle, _, _ in HOSTILE.values()]
    middles += [entries(key, **members) for key, members in BAD.items()]
    middles += [
        raw_entry(f"{outside}/x.txt".encode(), b"absolute"),
        raw_entry(b"../../../outside/x.txt", b"parents"),
        raw_entry(b"x.npy", b"", size=b"77777777777\0"),
    ]
    middles += [rest for rest, _ in UNREADABLE.values()]
    made = {
        f"{number:02d}.tar": entries(f"first-{number}", CAPTION)
        + middle
        + entries(f"last-{number}", b"a woman")
        + END_OF_ARCHIVE
        for number, middle in enumerate(middles)
    }
    zeros = raw_entry(b"zeros.txt", bytes(2**27)) + raw_entry(b"zeros.npy", bytes(2**27))
    return made | {"bomb.tar.gz": gzip.compress(entries("first-gz") + zeros, 1)}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes], int]:
    """All stages run on hostile shards in a process of its own, and a folder beside its own.

    The files there were before, and how many MiB the process grew by.
    """
    folder = tmp_path_factory.mktemp("sandbox")
    (folder / "job" / "in").mkdir(parents=True)
    (folder / "outside").mkdir()
    (folder / "outside" / "secret.txt").write_text("a secret")
    for name, content in shards(folder / "outside").items():
        (folder / "job" / "in" / name).write_bytes(content)
    before = files_below(folder)
    command = [sys.executable, "-c", RUN, str(folder / "job")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder, before, int(done.stdout.split()[-1])


def test_nothing_outside_of_the_output_is_written(sandbox) -> None:
    folder, before, _ = sandbox
    assert files_below(folder) == before


def test_memory_stays_bounded(sandbox) -> None:
    assert sandbox[2] < MOST_MIB, sandbox[2]


def test_every_good_sample_is_kept_as_it_was(sandbox) -> None:
    folder, _, _ = sandbox
    written = {
        name: content
        for shard in (folder / "job" / "out" / "shards").glob("*.tar")
        for name, content in read_members(shard).items()
    }
    assert written["first-0.txt"] == CAPTION
    damaged = range(len(HOSTILE) + len(BAD) + 2, len(HOSTILE) + len(BAD) + 3 + len(UNREADABLE))
    good = {f"first-{number}" for number in range(damaged.stop)} | {"first-gz"}
    good |= {f"last-{number}" for number in range(damaged.start)}
    assert {name.partition(".")[0] for name in written if name.endswith(".jpg")} == good


def test_every_bad_sample_is_a_reject_with_one_line(sandbox) -> None:
    folder, _, _ = sandbox
    rejects = [
        row
        for table in sorted((folder / "job" / "out" / "rejects").glob("*.parquet"))
        for row in pq.read_table(table).to_pylist()
    ]
    by_key = {row["key"]: row for row in rejects}
    assert set(BAD) | {"zeros"} <= by_key.keys()
    assert {by_key[key]["stage"] for key in BAD} == {"image", "read", "metadata"}
    assert all(row["error"].isprintable() and len(row["error"]) < 1000 for row in rejects)
    assert len(rejects) >= len(HOSTILE) + len(BAD) + len(UNREADABLE) + 3
