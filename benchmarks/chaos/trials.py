"""A trial: one output, made by commands that are disturbed and then by some that are not."""

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from benchmarks.chaos.commands import Command, Ended
from benchmarks.chaos.judging import Reference, judged, reference_of, torn
from benchmarks.chaos.reading import PROTOCOL
from tests.fixtures import config_of, write_corpus

_MOST_RERUNS = 3
_LEAVING_SECONDS = 10.0
_WARNINGS = {
    "metrics.prom": "the run's metrics could not be written",
    "done/running": ".json could not be removed",
}


def _warning_of(name: str) -> str:
    """What a run says that could not write or remove a file at its end."""
    return _WARNINGS.get("done/running" if name.startswith("done/running/") else name, "\0")


@dataclass(frozen=True)
class Place:
    """Where an output is made, and the folder where it is judged, to which `fetch` brings it."""

    url: str
    folder: Path
    fetch: Callable[[], None]


def here(folder: Path) -> Place:
    """An output that is made where it is judged."""
    return Place(str(folder), folder, lambda: None)


@dataclass(frozen=True)
class Bench:
    """A corpus in `folder`, how it is rebalanced, and the undisturbed output.

    path: what Python needs besides the repository. seconds: how long the undisturbed run took;
    limit: after how many seconds a command is stuck.
    """

    folder: Path
    config: Path
    path: Sequence[Path]
    arguments: Sequence[str]
    limit: float
    seconds: float = 0.0
    reference: Reference | None = None

    def command(
        self,
        place: Place,
        log: Path,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> Command:
        """Start rebalancing the corpus into an output."""
        words = ["rebalance", self.config, "--allow-unmet", f"--output={place.url}"]
        words += self.arguments
        return Command(words, log, self.path, environment or {}, prefix)


@dataclass
class Trial:
    """The state of one trial: its output, and what has been seen so far.

    faults: those that came about; commands: that were run, of which the first is not a rerun;
    warned: files that are no part of the result, of whose loss a run that ended with 0 warned.
    foreign: files that others laid into the output, which are theirs.
    """

    bench: Bench
    folder: Path
    place: Place
    commands: list[Command] = field(default_factory=list)
    faults: int = 0
    hangs: int = 0
    unclear: int = 0
    unfinished: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0
    left: int = 0
    differs: int = 0
    warned: int = 0
    said: str = ""
    foreign: dict[str, bytes] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    @property
    def output(self) -> Path:
        """The folder that is judged."""
        return self.place.folder

    def start(
        self, environment: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
    ) -> Command:
        """Start the command, the same one as before."""
        log = self.folder / f"{len(self.commands)}.log"
        self.commands.append(self.bench.command(self.place, log, environment, prefix))
        return self.commands[-1]

    def end(self, command: Command, killed: bool = False) -> Ended:
        """Wait for the end of a command, and look at what it said, unless it was killed."""
        ended = command.end(self.bench.limit)
        self.said = ended.said
        where = f"command {len(self.commands) - 1}"
        if ended.hung:
            self.hangs += 1
            self.findings.append(f"{where} hangs")
        elif not killed and not ended.clear:
            self.unclear += 1
            self.findings.append(f"{where} ends unclearly: {_last_line(ended.said)}")
        self.place.fetch()
        broken = torn(self.output, self.foreign)
        self.wrong += len(broken)
        self.findings += [f"after {where}: {what}" for what in broken]
        return ended

    def instant(self, rng: random.Random) -> float:
        """When in a run, in seconds after its start, a fault comes."""
        return self.bench.seconds * rng.uniform(0.2, 0.95)

    def judge(self) -> None:
        """Look at the finished output, beside the reference, and for what is left of the run."""
        bench, place = self.bench, self.place
        assert bench.reference is not None
        place.fetch()
        verdict = judged(self.output, bench.reference, place.url, bench.config, self.foreign)
        self.lost += verdict.lost
        self.duplicated += verdict.duplicated
        warned = [name for name in verdict.wrong if _warning_of(name) in self.said]
        wrong = [name for name in verdict.wrong if name not in warned]
        self.warned += len(warned)
        self.wrong += len(wrong)
        self.differs += not verdict.agrees
        processes = sum(command.left(_LEAVING_SECONDS) for command in self.commands)
        self.left += len(verdict.left) + processes
        self.findings += [f"wrong: {name}" for name in wrong]
        self.findings += [f"warned of: {name}" for name in warned]
        self.findings += [f"left over: {name}" for name in verdict.left]
        self.findings += [f"{processes} processes outlive their command"] * bool(processes)
        self.findings += [f"fairshard verify: {verdict.objection}"] * (not verdict.agrees)


Disturb = Callable[[], Ended]
Fault = Callable[[Trial, random.Random], AbstractContextManager[Disturb]]


def drawn_bench(
    folder: Path,
    samples: int,
    shards: int,
    arguments: Sequence[str],
    path: Sequence[Path],
    limit: float,
) -> Bench:
    """A corpus in two folders, and its output by an undisturbed run, which is timed."""
    write_corpus(folder, samples, shards)
    for number, shard in enumerate(sorted((folder / "in").glob("*.tar"))):
        part = folder / "in" / "ab"[number % 2]
        part.mkdir(exist_ok=True)
        shard.rename(part / shard.name)
    config = config_of(
        folder,
        input={"shards": f"{PROTOCOL}://{folder}/in/*/*.tar"},
        balance={"eta": 0.5, "Q": 2, "max_representation_bias": 0.1},
        output={"url": "out", "samples_per_shard": max(1, samples // 10)},
        gates={"enabled": False},
    )
    written = folder / "config.json"
    written.write_text(json.dumps(config.model_dump(mode="json")))
    bench = Bench(folder, written, path, arguments, limit)
    return undisturbed(bench, here(folder / "out"))


def undisturbed(bench: Bench, place: Place) -> Bench:
    """The bench, and its output by an undisturbed run, which is timed."""
    began = time.monotonic()
    ended = bench.command(place, place.folder.parent / "undisturbed.log").end(bench.limit)
    seconds = time.monotonic() - began
    if ended.code != 0:
        raise SystemExit(f"the undisturbed run fails: {ended.said}")
    place.fetch()
    reference = reference_of(place.folder, bench.folder / "in")
    return replace(bench, seconds=seconds, reference=reference)


def run_trial(bench: Bench, folder: Path, fault: Fault, rng: random.Random, most: int) -> Trial:
    """Disturb up to `most` commands on one output, then run it to completion, and judge it.

    A disturbed command that ends with 0 says that all is done: it is judged as it is.
    """
    folder.mkdir(parents=True)
    trial = Trial(bench, folder, here(folder / "out"))
    with fault(trial, rng) as disturb:
        disturbed = (disturb() for _ in range(rng.randint(1, most)))
        undisturbed = (trial.end(trial.start()) for _ in range(_MOST_RERUNS))
        if not any(ended.code == 0 for ended in chain(disturbed, undisturbed)):
            trial.unfinished += 1
            trial.findings.append(f"{_MOST_RERUNS} undisturbed reruns do not end with 0")
        trial.judge()
    return trial


def _last_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line.partition(":")[0]]
    return " / ".join([*errors[-1:], *lines[-1:]])[:300] or "nothing"
