"""Many runs in processes of their own that start at once, after one that was killed."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jobs.session.holders import living
from jobs.session.lease import leased
from tests.fixtures import config_of
from tests.processes import PROCESSES, die
from tests.servers import s3
from transforms.base.errors import FairshardError
from transforms.config.sections import Config
from transforms.storage.files import output_storage

RUNS = 4
Outputs = list[dict[str, Any]]


def config_for(output: dict[str, Any], seed: int) -> Config:
    return config_of(Path("/corpus"), output=output, seed=seed)


def start_and_die(output: dict[str, Any]) -> None:
    with leased(config_for(output, 99), "killed"):
        die()


def contend(number: int, outputs: Outputs, kinds: int, together: Any, said: Any) -> None:
    """Start in one output after another; say whether this run is in, and how many are by then."""
    for place, output in enumerate(outputs):
        if number == 0:
            killed = PROCESSES.Process(target=start_and_die, args=(output,))
            killed.start()
            killed.join()
        config = config_for(output, number % kinds)
        together.wait()
        try:
            with leased(config, f"run {number}"):
                together.wait()
                alive = len(living(output_storage(config.output)))
                together.wait()
                said.put((place, number % kinds, alive))
        except FairshardError as error:
            together.wait()
            together.wait()
            said.put((place, str(error), 0))


def contended(outputs: Outputs, kinds: int) -> list[list[tuple[Any, int]]]:
    """What the runs of each round said: what they ask for, or why not, and how many are in."""
    together, said = PROCESSES.Barrier(RUNS, timeout=60), PROCESSES.SimpleQueue()
    runs = [
        PROCESSES.Process(target=contend, args=(number, outputs, kinds, together, said))
        for number in range(RUNS)
    ]
    for run in runs:
        run.start()
    rounds: list[list[tuple[Any, int]]] = [[] for _ in outputs]
    for _ in range(RUNS * len(outputs)):
        place, verdict, alive = said.get()
        rounds[place].append((verdict, alive))
    for run in runs:
        run.join()
    return rounds


@contextmanager
def disk(folder: Path, rounds: int) -> Iterator[Outputs]:
    yield [{"url": str(folder / f"out{number}")} for number in range(rounds)]


@contextmanager
def bucket(_: Path, rounds: int) -> Iterator[Outputs]:
    with s3() as store:
        yield [
            {"url": f"{store.url}/out{number}", "storage_options": store.options}
            for number in range(rounds)
        ]


PLACES = {"disk": (disk, 12), "s3": (bucket, 2)}


@pytest.fixture(params=PLACES)
def outputs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outputs]:
    place, rounds = PLACES[request.param]
    with place(tmp_path, rounds) as found:
        yield found


def test_of_runs_that_ask_for_different_things_one_is_in(outputs: Outputs) -> None:
    for said in contended(outputs, RUNS):
        refusals = [verdict for verdict, _ in said if isinstance(verdict, str)]
        assert len(refusals) == RUNS - 1, said
        assert all("another run with another configuration" in why for why in refusals)


def test_of_two_kinds_of_runs_all_of_one_are_in(outputs: Outputs) -> None:
    for said in contended(outputs, 2):
        kinds = Counter(verdict for verdict, _ in said if isinstance(verdict, int))
        assert list(kinds.values()) == [RUNS // 2], said


def test_runs_that_ask_for_the_same_are_all_in_and_none_is_lost(outputs: Outputs) -> None:
    for said in contended(outputs, 1):
        assert said == [(0, RUNS)] * RUNS
