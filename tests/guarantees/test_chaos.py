"""The chaos benchmark: it disturbs what it says it does, and sees what is wrong with an output."""

import random
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest

from benchmarks.chaos.faults import connections_failing, faults_here
from benchmarks.chaos.judging import Reference, files_of, judged, torn
from benchmarks.chaos.reading import FaultyFileSystem, plugged_in, settings
from benchmarks.chaos.trials import Bench, drawn_bench, here, run_trial

AT_ONCE = 0.5
IN_ONE_PROCESS = ("--", "--runner=FnApiRunner")
LIMIT = 120.0


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A corpus and its undisturbed output; faults come as soon as they can."""
    folder = tmp_path_factory.mktemp("chaos")
    with plugged_in(folder / "plugins") as plugins:
        drawn = drawn_bench(folder / "corpus", 60, 4, IN_ONE_PROCESS, [plugins], LIMIT)
        yield replace(drawn, seconds=AT_ONCE)


@pytest.fixture
def reference(bench: Bench) -> Reference:
    assert bench.reference is not None
    return bench.reference


@pytest.fixture
def output(bench: Bench, tmp_path: Path) -> Path:
    """A copy of the undisturbed output."""
    return Path(shutil.copytree(bench.folder / "out", tmp_path / "out"))


FAULTS = ("run killed", "disk full", "reads failing", "permissions taken")


@pytest.mark.parametrize("name", FAULTS)
def test_a_run_comes_through(bench: Bench, tmp_path: Path, name: str) -> None:
    faults = faults_here(tmp_path / "mount")
    fault = next(fault for full, fault in faults.items() if full.startswith(name))
    trial = run_trial(bench, tmp_path / "trial", fault, random.Random(2), most=1)
    assert trial.faults > 0
    assert len(trial.commands) == 2
    said = "\n".join(trial.findings)
    assert (trial.lost, trial.duplicated, trial.wrong, trial.differs) == (0, 0, 0, 0), said
    assert (trial.left, trial.hangs) == (0, 0), said


def test_a_run_from_and_to_a_store_comes_through(bench: Bench, tmp_path: Path) -> None:
    trial = run_trial(bench, tmp_path / "trial", connections_failing, random.Random(9), most=1)
    assert trial.faults > 0
    assert len(trial.commands) <= 2
    said = "\n".join(trial.findings)
    assert (trial.lost, trial.duplicated, trial.differs) == (0, 0, 0), said
    assert (trial.left, trial.hangs, trial.unfinished) == (0, 0, 0), said


def test_workers_are_found_and_what_hangs_is_killed(bench: Bench, tmp_path: Path) -> None:
    by_workers = replace(bench, arguments=())
    command = by_workers.command(here(tmp_path / "out"), tmp_path / "log")
    while not (workers := command.workers()):
        assert command.sleep(0.1), command.end(0).said
    assert command.driver not in workers
    assert {*workers, command.driver} <= command.processes().keys()
    ended = command.end(0)
    assert ended.hung
    assert command.left(LIMIT) == 0


def test_an_undisturbed_output_is_right(output: Path, reference: Reference) -> None:
    verdict = judged(output, reference)
    assert (verdict.lost, verdict.duplicated) == (0, 0)
    assert verdict.wrong == verdict.left == ()
    assert verdict.agrees
    assert torn(output) == []
    assert files_of(output) == reference.files


def test_a_lost_shard_is_seen(output: Path, reference: Reference) -> None:
    (output / "shards" / "00000.tar").unlink()
    verdict = judged(output, reference)
    assert verdict.lost == 6
    assert verdict.wrong == ("shards/00000.tar",)
    assert not verdict.agrees


def test_a_doubled_shard_is_seen(output: Path, reference: Reference) -> None:
    shutil.copy(output / "shards" / "00000.tar", output / "shards" / "00009.tar")
    verdict = judged(output, reference)
    assert (verdict.lost, verdict.duplicated) == (0, 6)
    assert verdict.wrong == ("shards/00009.tar",)


def test_other_bytes_are_seen(output: Path, reference: Reference) -> None:
    shard = output / "shards" / "00000.tar"
    content = bytearray(shard.read_bytes())
    with tarfile.open(shard) as archive:
        content[next(iter(archive)).offset_data] ^= 1
    shard.write_bytes(content)
    verdict = judged(output, reference)
    assert (verdict.lost, verdict.duplicated) == (1, 0)
    assert len(verdict.wrong) == 2
    assert torn(output) == ["done/shards/00000.json: not the tar it vouches for"]


@pytest.mark.parametrize(
    "pattern", ["manifest.json", "labels/00001--*.parquet", "shards/00001.tar", "report/index.html"]
)
def test_a_torn_file_is_seen(output: Path, pattern: str) -> None:
    (path,) = output.glob(pattern)
    path.write_bytes(path.read_bytes()[:-1030])
    assert any(found.startswith(f"{path.relative_to(output)}: ") for found in torn(output))


def test_what_is_left_over_is_seen(output: Path, reference: Reference) -> None:
    (output / "shards" / ".00000.tar.abc.tmp").write_bytes(b"")
    assert judged(output, reference).left == ("shards/.00000.tar.abc.tmp",)


def test_files_of_others_are_left_out_unless_they_were_touched(
    output: Path, reference: Reference
) -> None:
    foreign = {"shards/wids.json": b"not ours", "shards/.nv-meta/split.yaml": b""}
    for name, content in foreign.items():
        (output / name).parent.mkdir(exist_ok=True)
        (output / name).write_bytes(content)
    verdict = judged(output, reference, foreign=foreign)
    assert (verdict.wrong, verdict.left, torn(output, foreign)) == ((), (), [])
    (output / "shards" / "wids.json").unlink()
    assert judged(output, reference, foreign=foreign).wrong == ("shards/wids.json",)


def test_faulty_reads_fail_as_they_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(bytes(1000))

    def outcomes(seed: str) -> list[str]:
        log = tmp_path / f"{seed}.log"
        monkeypatch.setenv(*next(iter(settings(seed, log, reads=0.5).items())))
        system = FaultyFileSystem(skip_instance_cache=True)
        for _ in range(40):
            try:
                with system.open(f"{tmp_path}/a") as stream:
                    assert stream.read(1000) in {bytes(size) for size in range(1001)}
            except OSError:
                pass
        return log.read_text().splitlines()

    found = outcomes("one")
    assert {line.partition(":")[0] for line in found} == {
        "input/output error",
        "connection reset",
        "timeout",
        "stall",
        "short read",
        "early end",
    }
    (tmp_path / "one.log").unlink()
    assert outcomes("one") == found
    assert outcomes("two") != found


def test_reads_are_whole_where_no_faults_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(range(256)))
    fsspec.register_implementation("faulty", FaultyFileSystem, clobber=True)
    with fsspec.open(f"faulty://{tmp_path}/a") as stream:
        assert stream.read() == bytes(range(256))
