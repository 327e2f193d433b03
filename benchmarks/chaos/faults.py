"""The faults: each makes a context in which a trial's command can be run disturbed."""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.chaos.commands import Ended, kill
from benchmarks.chaos.meddling import (
    artefacts_damaged,
    foreign_files,
    inputs_changed,
    packing_changed,
)
from benchmarks.chaos.network import Dice, network
from benchmarks.chaos.reading import settings
from benchmarks.chaos.trials import Disturb, Fault, Place, Trial, undisturbed
from tests.servers import BUCKET, Store, s3

_BLOCK = 4096
_SHARES_OF_CONNECTIONS = (0.005, 0.02, 0.1)
_LONGEST_ROW = 12
_LONGEST_STALL = 2.0
_PRIVILEGES = ("-dac_override", "-dac_read_search")


@contextmanager
def run_killed(trial: Trial, rng: random.Random) -> Iterator[Disturb]:
    """The run's own process gets SIGKILL at a random instant; what it started is left alone."""

    def disturb() -> Ended:
        command = trial.start()
        hit = command.sleep(trial.instant(rng)) and kill(command.driver)
        trial.faults += hit
        return trial.end(command, killed=hit)

    yield disturb


@contextmanager
def worker_killed(trial: Trial, rng: random.Random) -> Iterator[Disturb]:
    """A worker of the engine gets SIGKILL at a random instant."""

    def disturb() -> Ended:
        command = trial.start()
        command.sleep(trial.instant(rng))
        while not (workers := command.workers()) and command.sleep(0.1):
            pass
        trial.faults += bool(workers) and kill(rng.choice(workers))
        return trial.end(command)

    yield disturb


@contextmanager
def disk_full(trial: Trial, rng: random.Random) -> Iterator[Disturb]:
    """The output is on a tmpfs with room for a random part of it, which then is freed."""
    trial.output.mkdir()
    needed = _room_of(trial.bench.folder / "out")
    with _mounted(trial.output, 4 * needed):
        ballast = trial.folder / "out" / ".ballast"

        def disturb() -> Ended:
            with ballast.open("wb") as stream:
                os.posix_fallocate(stream.fileno(), 0, _free(trial.output) - _part(needed, rng))
            ended = trial.end(trial.start())
            trial.faults += ended.code != 0
            ballast.unlink()
            return ended

        yield disturb


@contextmanager
def files_limited(trial: Trial, rng: random.Random) -> Iterator[Disturb]:
    """No file may grow beyond a random size (RLIMIT_FSIZE), as where no tmpfs can be mounted."""
    assert trial.bench.reference is not None
    largest = max(map(len, trial.bench.reference.files.values()))

    def disturb() -> Ended:
        ended = trial.end(trial.start(prefix=("prlimit", f"--fsize={_part(largest, rng)}")))
        trial.faults += ended.code != 0
        return ended

    yield disturb


@contextmanager
def reads_failing(trial: Trial, rng: random.Random) -> Iterator[Disturb]:
    """Opening and reading shards fails, stalls or comes short at random."""
    yield _misread(trial, rng, lambda: {"reads": rng.choice((0.02, 0.05, 0.1))})


@contextmanager
def listings_failing(trial: Trial, rng: random.Random) -> Iterator[Disturb]:
    """Listing the folders of shards fails or stalls at random."""
    yield _misread(trial, rng, lambda: {"listings": 0.4})


@contextmanager
def connections_failing(trial: Trial, rng: random.Random) -> Iterator[Disturb]:
    """Corpus and output are on an S3 server, whose connections fail at random.

    The output is compared with one that is made there undisturbed: both name the same inputs.
    """
    with s3() as store, network(store.address, trial.folder / "faults.log") as between:
        _move(trial, store, store.behind(between.url))
        chances = between.dice.chances

        def disturb() -> Ended:
            between.dice = Dice(
                rng.choice(_SHARES_OF_CONNECTIONS),
                str(rng.random()),
                longest=_LONGEST_ROW,
                stall=_LONGEST_STALL,
                quiet=_part(chances, rng),
            )
            ended = trial.end(trial.start())
            between.calm()
            trial.faults = len(between.faults)
            return ended

        yield disturb


@contextmanager
def permissions_taken(trial: Trial, rng: random.Random) -> Iterator[Disturb]:
    """All folders of the output become read-only at a random instant, and then are not.

    Permissions bind root too where it is without the capability to override them.
    """
    words = (f"--{kind}={','.join(_PRIVILEGES)}" for kind in ("inh-caps", "bounding-set"))
    prefix = ("setpriv", *words) if os.geteuid() == 0 else ()

    def disturb() -> Ended:
        command = trial.start(prefix=prefix)
        command.sleep(trial.instant(rng))
        while not trial.output.exists() and command.sleep(0.1):
            pass
        hit = command.running()
        _permit(trial.output, 0o500 if hit else 0o700)
        trial.faults += hit
        ended = trial.end(command)
        _permit(trial.output, 0o700)
        return ended

    yield disturb


def faults_here(folder: Path) -> dict[str, Fault]:
    """The faults by name; the disk is filled where a tmpfs can be mounted."""
    full: dict[str, Fault] = (
        {"disk full (tmpfs)": disk_full}
        if _can_mount(folder)
        else {"disk full (RLIMIT_FSIZE)": files_limited}
    )
    return {
        "run killed": run_killed,
        "worker killed": worker_killed,
        **full,
        "reads failing": reads_failing,
        "listings failing": listings_failing,
        "permissions taken": permissions_taken,
        "connections failing": connections_failing,
        "foreign files": foreign_files,
        "packing changed": packing_changed,
        "artefacts damaged": artefacts_damaged,
        "inputs changed": inputs_changed,
    }


def _misread(trial: Trial, rng: random.Random, shares: Callable[[], dict[str, float]]) -> Disturb:
    log = trial.folder / "faults.log"

    def disturb() -> Ended:
        ended = trial.end(trial.start(settings(str(rng.random()), log, **shares())))
        trial.faults = len(log.read_text().splitlines()) if log.exists() else 0
        return ended

    return disturb


def _move(trial: Trial, store: Store, through: Store) -> None:
    """Put the trial's corpus and output into a store; uploads left there are hidden files here."""
    bucket, inputs = f"{BUCKET}/chaos", trial.bench.folder / "in"
    if store.system.exists(bucket):
        store.system.rm(bucket, recursive=True)
    for shard in inputs.rglob("*.tar"):
        store.system.pipe_file(f"{bucket}/in/{shard.relative_to(inputs)}", shard.read_bytes())
    values = json.loads(trial.bench.config.read_text())
    values["input"] |= {
        "shards": [f"s3://{bucket}/in/*/*.tar"],
        "storage_options": through.options,
    }
    values["output"] |= {"storage_options": through.options}
    config = trial.folder / "config.json"
    config.write_text(json.dumps(values))

    def fetch() -> None:
        shutil.rmtree(trial.output, ignore_errors=True)
        trial.output.mkdir()
        store.fetch("chaos/out", trial.output)
        for number in range(store.unfinished()):
            (trial.output / f".upload-{number}").touch()

    trial.place = Place(f"s3://{bucket}/out", trial.output, fetch)
    trial.bench = undisturbed(replace(trial.bench, config=config), trial.place)
    store.system.rm(f"{bucket}/out", recursive=True)


def _part(size: int, rng: random.Random) -> int:
    return int(size * rng.uniform(0.02, 0.98))


def _permit(output: Path, mode: int) -> None:
    """Set the mode of all folders of an output."""
    for folder, _, _ in os.walk(output):
        Path(folder).chmod(mode)


def _room_of(output: Path) -> int:
    """The bytes that an output takes, in whole blocks."""
    return sum(-(-path.stat().st_size // _BLOCK) * _BLOCK for path in output.rglob("*"))


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


@contextmanager
def _mounted(folder: Path, size: int) -> Iterator[None]:
    made = ("mount", "-t", "tmpfs", "-o", f"size={size}", "fairshard", str(folder))
    subprocess.run(made, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True)


def _can_mount(folder: Path) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _mounted(folder, _BLOCK):
            return True
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False
