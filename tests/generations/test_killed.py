"""A run that adds to an output dies at each of its writes: it goes on, or is withdrawn."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.growing import (
    add_shard,
    append,
    corpus,
    files_in,
    rebalance,
    shards_of,
    without_records,
)
from tests.processes import Place, start
from transforms.base.errors import StaleError
from transforms.config.sections import Config
from transforms.storage.files import Storage

_MOMENTS = ("publish", "publishing", "delete")


@contextmanager
def dying(at: int) -> Iterator[list[str]]:
    """In the block, this process is interrupted before the write or removal of that number."""
    done: list[str] = []

    def hooked(name: str) -> Any:
        inner = getattr(Storage, name)

        def outer(storage: Storage, artefact: str, *given: Any) -> Any:
            if len(done) == at:
                raise KeyboardInterrupt
            done.append(artefact)
            return inner(storage, artefact, *given)

        return inner, outer

    hooks = {name: hooked(name) for name in _MOMENTS}
    for name, (_, outer) in hooks.items():
        setattr(Storage, name, outer)
    try:
        yield done
    finally:
        for name, (inner, _) in hooks.items():
            setattr(Storage, name, inner)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an output of two shards, `before`, and the same after a third, `after`."""
    folder = tmp_path_factory.mktemp("grown")
    for name in ("a", "b"):
        add_shard(folder, name, samples=20)
    rebalance(config_of_output(folder, "before"))
    shutil.copytree(folder / "before", folder / "after")
    add_shard(folder, "c", samples=24, women=0.1)
    append(config_of_output(folder, "after"))
    return folder


def config_of_output(folder: Path, output: str) -> Config:
    return corpus(folder, output={"url": output, "samples_per_shard": 5})


def copied(grown: Path, name: str) -> Config:
    """The output before, once more."""
    shutil.rmtree(grown / name, ignore_errors=True)
    shutil.copytree(grown / "before", grown / name)
    return config_of_output(grown, name)


def places(grown: Path) -> list[tuple[int, str]]:
    """The writes and removals of a run, by their number; but for its own notes of how far it is."""
    config = copied(grown, "counted")
    with dying(-1) as done:
        append(config)
    return [
        (number, name)
        for number, name in enumerate(done)
        if not name.startswith(("done/run", "done/work", "attempts/", "metrics"))
    ]


def test_it_goes_on_wherever_it_died(grown: Path) -> None:
    before, after = without_records(grown / "before"), without_records(grown / "after")
    shards = [name for name in before if name.startswith("shards/") and name[-5:] != ".json"]
    manifests = before["manifest.json"], after["manifest.json"]
    died = places(grown)
    new = next(name for name in after if name.endswith(".tar") and name not in before)
    assert {"manifest.json", "plan/plan.json", new} < {name for _, name in died}
    for at, name in died[::3]:
        config = copied(grown, "died")
        with dying(at), pytest.raises(KeyboardInterrupt):
            append(config)
        there = without_records(grown / "died")
        assert there["manifest.json"] in manifests, name
        assert all(there[shard] == before[shard] for shard in shards), name
        append(config)
        assert without_records(grown / "died") == after, name
        assert not [path for path in files_in(grown / "died") if path.name.startswith(".")]


@pytest.mark.parametrize("again", [append, rebalance])
def test_it_is_withdrawn_where_nothing_is_new_any_more(grown: Path, again: Any) -> None:
    before = without_records(grown / "before")
    new = grown / "in" / "c.tar"
    died = places(grown)
    last = max(place for place, (_, name) in enumerate(died) if name == "manifest.json")
    for at, name in died[: last + 1 : 5]:
        config = copied(grown, "withdrawn")
        with dying(at), pytest.raises(KeyboardInterrupt):
            append(config)
        if any((grown / "withdrawn" / "generations").glob("*/generation.json")):
            with pytest.raises(StaleError, match="holds 1 generation, to which new shards are ad"):
                rebalance(config)
        hidden = new.rename(grown / "c.tar")
        try:
            again(config)
        finally:
            hidden.rename(new)
        there = without_records(grown / "withdrawn")
        left = {path for path in there if "/c--" in path or path.startswith("generations/0000/")}
        assert {path: there[path] for path in there.keys() - left} == before, name


PLACES = {
    "before the first generation is on file": Place("before", "generation.json"),
    "before the plan": Place("before", "plan/plan.json", 2),
    "amid an output shard": Place("written", "shards/*.tar"),
    "before the manifest": Place("before", "manifest.json", 3),
    "before the report": Place("before", "report/index.html"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_run_that_was_killed_is_run_again(grown: Path, place: str) -> None:
    config = copied(grown, "out")
    path = grown / "config.yaml"
    path.write_text(
        yaml.safe_dump(config.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
    )
    words = ("rebalance", path, "--append", "--allow-unmet")
    before = shards_of(config)
    killed = start(grown / "killed.log", *words, place=PLACES[place])
    assert killed.end() == -signal.SIGKILL, killed.log.read_text()
    assert before.items() <= shards_of(config).items()
    wholes = [(grown / name / "manifest.json").read_bytes() for name in ("before", "after")]
    assert (grown / "out" / "manifest.json").read_bytes() in wholes
    again = start(grown / "again.log", *words)
    assert again.end() == 0, again.log.read_text()
    assert without_records(grown / "out") == without_records(grown / "after")
    assert not [path for path in files_in(grown / "out") if path.name.startswith(".")]
