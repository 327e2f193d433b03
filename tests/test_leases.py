"""The lease on an output: which runs share it, which are refused, which count as dead."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from jobs.leases import (
    BEAT_SECONDS,
    DEAD_SECONDS,
    Hold,
    Holder,
    Lease,
    asked_of,
    leased,
    read_lease,
)
from tests.fixtures import config_of
from transforms import layout
from transforms.committing import hidden
from transforms.errors import FairshardError
from transforms.storage import Storage

HERE, THERE = "here", "there"


@dataclass
class World:
    """An output and a clock; runs in it differ by their numbers."""

    storage: Storage
    time: float = 1000.0
    runs: list[Hold] = field(default_factory=list)

    def run(self, asked: str = "this", host: str = "", pid: int = 1) -> Hold:
        """A new run, by default on a host of its own."""
        name = str(len(self.runs))
        mine = Holder(name, host or f"host {name}", "ns", pid, f"start of {name}", beat=0.0)
        self.runs.append(Hold(self.storage, asked, mine, lambda: self.time))
        return self.runs[-1]

    @property
    def holders(self) -> list[str]:
        """The names of the runs that are in the lease."""
        return [holder.run for holder in read_lease(self.storage).holders]


@pytest.fixture(params=["disk", "memory"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield World(Storage(str(tmp_path) if request.param == "disk" else f"memory://{tmp_path.name}"))


def test_the_first_run_has_it_alone_and_removes_it(world: World) -> None:
    run = world.run()
    assert run.take()
    assert world.holders == ["0"]
    run.give_back()
    assert not world.storage.exists(layout.RUNNING)
    assert world.storage.names("done") == ()


def test_runs_that_ask_for_the_same_share_it(world: World) -> None:
    first, second = world.run(), world.run()
    assert first.take()
    assert not second.take()
    assert sorted(world.holders) == ["0", "1"]
    first.give_back()
    assert world.holders == ["1"]
    assert second.renew()
    second.give_back()
    assert not world.storage.exists(layout.RUNNING)


def test_a_run_that_asks_for_something_else_is_refused_in_one_sentence(world: World) -> None:
    world.run(host=THERE, pid=4711).take()
    world.time += 12
    with pytest.raises(FairshardError) as refused:
        world.run("that").take()
    said = str(refused.value)
    assert "process 4711 on there, since start of 0, last heard of 12 s ago" in said
    assert "wait for its end" in said
    assert "another output.url" in said
    assert world.holders == ["0"]


def test_it_is_taken_over_after_a_long_silence_and_not_before(world: World) -> None:
    silent, other = world.run(), world.run("that")
    silent.take()
    world.time += DEAD_SECONDS
    with pytest.raises(FairshardError, match="another run"):
        other.take()
    world.time += 1
    assert other.take()
    assert world.holders == ["1"]
    assert not silent.renew()
    silent.give_back()
    assert world.holders == ["1"]


def test_a_run_that_says_it_is_alive_keeps_it(world: World) -> None:
    run, other = world.run(), world.run("that")
    run.take()
    for _ in range(10):
        world.time += BEAT_SECONDS
        assert run.renew()
    with pytest.raises(FairshardError, match="last heard of 0 s ago"):
        other.take()


@pytest.fixture
def ended() -> int:
    """The number of a process that has ended."""
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def test_a_process_known_to_be_dead_is_not_waited_for(world: World, ended: int) -> None:
    world.run(host=HERE, pid=ended).take()
    assert world.run("that", HERE, os.getpid()).take()
    assert world.holders == ["1"]


def test_a_process_of_another_host_or_container_is(world: World, ended: int) -> None:
    world.run(host=THERE, pid=ended).take()
    with pytest.raises(FairshardError, match="another run"):
        world.run("that", HERE, os.getpid()).take()
    contained = world.run("that", THERE, os.getpid())
    contained = replace(contained, mine=replace(contained.mine, numbers="another space"))
    with pytest.raises(FairshardError, match="another run"):
        contained.take()


def test_a_run_with_the_number_of_a_dead_one_is_not_taken_for_it(world: World) -> None:
    world.run(host=HERE, pid=os.getpid()).take()
    assert world.run("that", HERE, os.getpid()).take()


def test_a_lease_that_was_removed_is_taken_again(world: World) -> None:
    run = world.run()
    run.take()
    world.storage.delete(layout.RUNNING)
    assert run.renew()
    assert world.holders == ["0"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"asked": "this"}'])
def test_a_lease_that_cannot_be_read_is_no_one_s(world: World, content: bytes) -> None:
    world.storage.publish(layout.RUNNING, content)
    assert world.run().take()


def test_of_many_at_once_that_ask_for_different_things_one_has_it(world: World) -> None:
    runs = [world.run(str(number)) for number in range(8)]
    outcomes: list[bool] = []

    def take(run: Hold) -> None:
        try:
            outcomes.append(run.take())
        except FairshardError:
            outcomes.append(False)

    threads = [threading.Thread(target=take, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 7 + [True]
    assert len(world.holders) == 1


def test_what_is_asked_for_is_what_may_change_a_byte(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    assert asked_of(config) == asked_of(config_of(tmp_path, engine={"name": "spark"}))
    assert asked_of(config) != asked_of(config_of(tmp_path, seed=1))
    assert asked_of(config) != asked_of(config_of(tmp_path, output={"url": "out"}))


def test_a_run_holds_it_and_clears_what_the_dead_left(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    storage = Storage(config.output.url)
    storage.publish(hidden("shards/00000.tar"), b"half")
    with leased(config, "run"):
        assert [holder.run for holder in read_lease(storage).holders] == ["run"]
        assert list(Path(storage.url).rglob(".*")) == []
    assert not storage.exists(layout.RUNNING)


def test_a_run_that_shares_it_leaves_hidden_files_alone(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    storage = Storage(config.output.url)
    alive = Holder("other", "elsewhere", "", 1, "now", beat=2e10)
    Hold(storage, asked_of(config), alive, lambda: 2e10).take()
    storage.publish(hidden("shards/00000.tar"), b"half")
    with leased(config, "run"):
        assert len(list(Path(storage.url).rglob(".*"))) == 1
    assert [holder.run for holder in read_lease(storage).holders] == ["other"]


def test_a_run_that_lost_it_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.leases.BEAT_SECONDS", 0.0)
    config = config_of(tmp_path)
    storage = Storage(config.output.url)
    usurper = Holder("other", "elsewhere", "", 1, "now", beat=2e10)
    with (
        pytest.raises(FairshardError, match=r"another run took over .*run the same command again"),
        leased(config, "run"),
    ):
        for _ in range(3000):
            storage.publish(layout.RUNNING, Lease("that", (usurper,)).to_json())
    assert [holder.run for holder in read_lease(storage).holders] == ["other"]


def test_the_last_run_to_leave_removes_what_dead_attempts_left(world: World) -> None:
    first, second = world.run(), world.run()
    first.take()
    second.take()
    left = hidden("labels/00000.parquet")
    system, path = world.storage._at(left)
    system.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
    system.pipe_file(path, b"half")
    first.give_back()
    assert world.storage.exists(left)
    second.give_back()
    assert not world.storage.exists(left)
