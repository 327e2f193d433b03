"""Faults that others make: files laid into an output or damaged, other settings, other input."""

import json
import random
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, groupby
from pathlib import Path

from benchmarks.chaos.commands import Command, Ended, kill
from benchmarks.chaos.judging import files_of
from benchmarks.chaos.trials import Disturb, Trial, here, undisturbed
from tests.fixtures import write_tar

_FOREIGN = (
    "shards/00000.idx",
    "shards/00000.tar.idx",
    "shards/wids.json",
    "shards/sizes.json",
    "shards/.nv-meta/dataset.yaml",
    "shards/older/00000.tar",
    "labels/README.md",
    "done/shards/notes.txt",
    "plan/notebook.ipynb",
    "README.md",
)
_MOST_DAMAGED = 4
_OF_NO_RECORD = ("done/run.json", "done/work.json", "metrics.prom", "report/index.html")


@contextmanager
def foreign_files(trial: Trial, rng: random.Random) -> Iterator[Disturb]:
    """Files that fairshard did not write lie in the output before a run, which then is killed."""

    def disturb() -> Ended:
        for name in rng.sample(_FOREIGN, rng.randint(1, len(_FOREIGN))):
            path = trial.output / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(rng.randbytes(rng.randint(0, 2000)))
            trial.foreign[name] = path.read_bytes()
            trial.faults += 1
        command = trial.start()
        return trial.end(command, killed=_killed(command, trial, rng))

    yield disturb


@contextmanager
def packing_changed(trial: Trial, rng: random.Random) -> Iterator[Disturb]:
    """A run that asks for other output shards is killed, or runs to its end, in the same output."""
    asked = trial.bench

    def disturb() -> Ended:
        values = json.loads(asked.config.read_text())
        values["output"]["samples_per_shard"] = rng.randint(2, 40)
        config = trial.folder / f"other-{len(trial.commands)}.json"
        config.write_text(json.dumps(values))
        trial.bench = replace(asked, config=config)
        command = trial.start()
        trial.bench = asked
        trial.faults += 1
        hit = rng.random() < 0.8 and _killed(command, trial, rng)
        return _not_the_last(trial.end(command, killed=hit))

    yield disturb


@contextmanager
def artefacts_damaged(trial: Trial, rng: random.Random) -> Iterator[Disturb]:
    """Some of a finished output's files are deleted, cut, emptied or overwritten."""

    def disturb() -> Ended:
        ended = trial.end(trial.start())
        names = [name for name in files_of(trial.output) if name not in _OF_NO_RECORD]
        for name in rng.sample(names, rng.randint(1, _MOST_DAMAGED)):
            _damage(trial.output / name, rng)
            trial.faults += 1
        return _not_the_last(ended)

    yield disturb


@contextmanager
def inputs_changed(trial: Trial, rng: random.Random) -> Iterator[Disturb]:
    """An input shard becomes another at a random instant of a run, and is put back after it.

    What a run that ends well leaves is of the one corpus or of the other.
    """
    shard = rng.choice(sorted((trial.bench.folder / "in").rglob("*.tar")))
    kept = Path(shutil.copy2(shard, trial.folder / "kept.tar"))
    other = _other(kept, trial.folder / "other.tar", rng)
    try:
        _put(other, shard)
        (trial.folder / "changed").mkdir()
        changed = undisturbed(trial.bench, here(trial.folder / "changed" / "out"))
        allowed = [bench.reference.files for bench in (trial.bench, changed) if bench.reference]
        _put(kept, shard)

        def disturb() -> Ended:
            command = trial.start()
            hit = command.sleep(trial.instant(rng))
            _put(other, shard)
            trial.faults += hit
            ended = trial.end(command)
            if ended.code == 0 and files_of(trial.output) not in allowed:
                trial.wrong += 1
                trial.findings.append(f"a run went well on {shard.name} while it changed")
            _put(kept, shard)
            return _not_the_last(ended)

        yield disturb
    finally:
        _put(kept, shard)


def _killed(command: Command, trial: Trial, rng: random.Random) -> bool:
    return command.sleep(trial.instant(rng)) and kill(command.driver)


def _not_the_last(ended: Ended) -> Ended:
    """The end of a command after which the output is to be made again, however well it ended."""
    return replace(ended, code=ended.code or 1)


def _damage(path: Path, rng: random.Random) -> None:
    content = path.read_bytes()
    match rng.choice(("delete", "cut", "empty", "overwrite")):
        case "delete":
            path.unlink()
        case "cut":
            path.write_bytes(content[: rng.randrange(max(1, len(content)))])
        case "empty":
            path.write_bytes(b"")
        case "overwrite":
            path.write_bytes(rng.randbytes(len(content) + rng.randint(1, 100)))


def _other(kept: Path, path: Path, rng: random.Random) -> Path:
    """Another shard: of other words at the same places, of samples moved, of more, or of fewer."""
    kind = rng.choice(("words", "moved", "more", "fewer"))
    if kind == "words":
        path.write_bytes(kept.read_bytes().replace(b"doctor", b"sailor"))
        return path
    with tarfile.open(kept) as archive:
        samples = [
            [(info.name, _payload(archive, info)) for info in members]
            for _, members in groupby(archive.getmembers(), lambda info: info.name.split(".")[0])
        ]
    if kind == "moved":
        keys = [members[0][0].split(".")[0] for members in samples]
        rng.shuffle(samples)
        samples = [_renamed(*pair) for pair in zip(samples, keys, strict=True)]
    elif kind == "more":
        samples += [_renamed(members, f"more{n}") for n, members in enumerate(samples[:5])]
    else:
        samples = samples[::2]
    write_tar(path, dict(chain.from_iterable(samples)))
    return path


def _payload(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(info)
    assert stream is not None
    return stream.read()


def _renamed(members: Sequence[tuple[str, bytes]], key: str) -> list[tuple[str, bytes]]:
    return [(f"{key}.{name.partition('.')[2]}", content) for name, content in members]


def _put(content: Path, shard: Path) -> None:
    """Make `shard` the file `content`, its times included."""
    beside = shard.with_suffix(".new")
    shutil.copy2(content, beside)
    beside.replace(shard)
