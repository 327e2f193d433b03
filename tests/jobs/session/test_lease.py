"""The lease on an output: which runs share it, which are refused, which count as dead."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from fsspec.implementations.memory import MemoryFileSystem

from jobs.session.holders import DEAD_SECONDS, Holder, lease_files, living, this_process
from jobs.session.lease import Hold, asked_of, leased
from jobs.session.run_record import record, recorded
from tests.commands import run as fairshard
from tests.fixtures import config_of
from tests.runs import held
from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.storage.atomic import hidden
from transforms.storage.files import Storage
from transforms.storage.last_run import read_run

THERE = "there"


@dataclass
class World:
    """An output, and runs in it, which differ by their numbers."""

    storage: Storage
    runs: list[Hold] = field(default_factory=list)

    def run(self, asked: str = "this", host: str = "", pid: int = 1) -> Hold:
        """A new run, by default on another host."""
        name = str(len(self.runs))
        mine = Holder(name, asked, host or f"host {name}", "ns", pid, "", f"start of {name}")
        self.runs.append(Hold(self.storage, mine))
        return self.runs[-1]

    def entered(self, asked: str = "this", host: str = "", pid: int = 1) -> Hold:
        """A new run that is in."""
        run = self.run(asked, host, pid)
        enter(run)
        return run

    @property
    def holders(self) -> list[str]:
        """The names of the runs that are in the lease."""
        return [holder.run for holder in living(self.storage)]

    def age(self, run: Hold, seconds: float) -> None:
        """Let the storage say that it heard of a run so many seconds ago."""
        written(self.storage, f"{paths.RUNNING}/{run.mine.run}.json", seconds)


def written(storage: Storage, name: str, seconds: float) -> None:
    """Let the storage say that a file was written so many seconds ago."""
    at = time.time() - seconds
    system, path = storage._at(name)
    if isinstance(system, MemoryFileSystem):
        MemoryFileSystem.store[path].created = datetime.fromtimestamp(at, UTC)
    else:
        os.utime(path, (at, at))


def enter(run: Hold) -> bool:
    """Enter; whether no other run was in."""
    alone = run.enter()
    run.settle()
    return alone


def leave(run: Hold) -> None:
    run.step_back()
    run.remove()


@pytest.fixture(params=["disk", "memory"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield World(Storage(str(tmp_path) if request.param == "disk" else f"memory://{tmp_path.name}"))


def test_the_first_run_has_it_alone_and_removes_it(world: World) -> None:
    run = world.run()
    assert enter(run)
    assert world.holders == ["0"]
    leave(run)
    assert world.storage.names(paths.RUNNING) == ()
    assert world.storage.names("done") == ()


def test_runs_that_ask_for_the_same_share_it(world: World) -> None:
    first, second = world.run(), world.run()
    assert enter(first)
    assert not enter(second)
    assert world.holders == ["0", "1"]
    leave(first)
    assert world.holders == ["1"]
    assert second.renew()
    leave(second)
    assert world.holders == []


def test_a_run_that_asks_for_something_else_is_refused_in_one_sentence(world: World) -> None:
    world.age(world.entered(host=THERE, pid=4711), 12)
    with pytest.raises(FairshardError) as refused:
        world.run("that").enter()
    said = str(refused.value)
    assert "process 4711 on there, since start of 0, last heard of 12 s ago" in said
    assert "wait for its end" in said
    assert "another output.url" in said
    assert world.holders == ["0"]


@pytest.mark.parametrize("way", [1, -1], ids=["behind", "ahead"])
def test_it_is_taken_over_after_a_long_silence_and_not_before(world: World, way: int) -> None:
    silent, other = world.entered(), world.run("that")
    world.age(silent, way * (DEAD_SECONDS - 10))
    with pytest.raises(FairshardError, match="another run"):
        other.enter()
    world.age(silent, way * (DEAD_SECONDS + 10))
    assert world.holders == []
    assert enter(other)
    assert world.holders == ["1"]
    assert not silent.renew()
    leave(silent)
    assert world.holders == ["1"]


def test_a_run_that_says_it_is_alive_keeps_it(world: World) -> None:
    run = world.entered()
    world.age(run, 1000)
    assert run.renew()
    with pytest.raises(FairshardError, match="last heard of 0 s ago"):
        world.run("that").enter()


def test_a_run_that_seemed_dead_does_not_go_on_once_its_place_was_another_s(world: World) -> None:
    silent = world.entered()
    world.age(silent, 1000)
    other = world.entered("that")
    leave(other)
    assert not silent.renew()


def test_a_run_that_seemed_dead_before_it_was_in_does_not_get_in(world: World) -> None:
    slow, other = world.run(), world.run("that")
    slow.enter()
    world.age(slow, 1000)
    enter(other)
    with pytest.raises(FairshardError, match="run the same command again"):
        slow.settle()
    assert other.renew()
    assert world.holders == ["1"]


@pytest.fixture
def ended() -> int:
    """The number of a process that has ended."""
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


@pytest.fixture
def undead() -> Iterator[int]:
    """The number of a process that has ended, which nobody has taken note of."""
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    yield pid
    os.waitpid(pid, 0)


def here(name: str, asked: str = "that") -> Holder:
    return this_process(name, asked, "now")


def test_a_process_known_to_be_dead_is_not_waited_for(world: World, ended: int) -> None:
    enter(Hold(world.storage, replace(here("dead"), pid=ended, born="")))
    assert world.holders == []
    assert enter(Hold(world.storage, here("other", "this")))
    assert world.storage.names(paths.RUNNING) == ("other.entered", "other.json")


def test_nor_is_one_that_nobody_has_taken_note_of(world: World, undead: int) -> None:
    enter(Hold(world.storage, replace(here("dead"), pid=undead, born="")))
    assert enter(Hold(world.storage, here("other", "this")))


def test_a_process_with_the_number_of_a_dead_one_is_not_taken_for_it(world: World) -> None:
    enter(Hold(world.storage, replace(here("dead"), born="1")))
    assert world.holders == []
    assert enter(Hold(world.storage, here("other", "this")))


def test_a_process_of_another_host_or_container_is_waited_for(world: World, ended: int) -> None:
    there = replace(here("there"), pid=ended, host=THERE)
    enter(Hold(world.storage, there))
    with pytest.raises(FairshardError, match="another run"):
        Hold(world.storage, here("other", "this")).enter()
    contained = replace(here("contained", "this"), host=THERE, space="another space")
    with pytest.raises(FairshardError, match="another run"):
        Hold(world.storage, contained).enter()


def test_a_run_that_died_while_it_entered_hinders_nobody(world: World, ended: int) -> None:
    Hold(world.storage, replace(here("0"), pid=ended)).enter()
    assert enter(Hold(world.storage, here("1", "this")))


TORN = [b"", b"{", b"[]", b"[" * 100_000, b'{"run": "0"}', b"\xff", b'{"run": "\\ud800"}']


@pytest.mark.parametrize("content", TORN, ids=range(len(TORN)))
def test_what_is_no_run_s_file_is_no_one_s_and_goes_in_time(world: World, content: bytes) -> None:
    torn = world.run()
    world.storage.publish(f"{paths.RUNNING}/0.json", content)
    assert world.holders == []
    assert enter(world.run())
    assert world.storage.exists(f"{paths.RUNNING}/0.json")
    world.age(torn, 1000)
    enter(world.run())
    assert not world.storage.exists(f"{paths.RUNNING}/0.json")


def old_lease(world: World, pid: int, age: float = 0.0) -> None:
    numbers = str(Path("/proc/self/ns/pid").readlink())
    mine = here("old")
    holder = {"run": "old", "host": mine.host, "numbers": numbers, "pid": pid}
    lease = {"asked": "this", "holders": [{**holder, "started": "then", "beat": 2e10}]}
    world.storage.publish(paths.RUNNING_BEFORE, json.dumps(lease).encode())
    written(world.storage, paths.RUNNING_BEFORE, age)


def test_a_living_run_of_an_older_fairshard_is_waited_for(world: World) -> None:
    old_lease(world, os.getppid())
    assert world.holders == ["old"]
    with pytest.raises(FairshardError, match="another run with an older fairshard"):
        Hold(world.storage, here("new", "this")).enter()
    old_lease(world, os.getppid(), age=1000)  # its own clock is ahead, and is not asked
    assert enter(Hold(world.storage, here("new", "this")))
    assert not world.storage.exists(paths.RUNNING_BEFORE)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"asked": "this"}', b"[" * 100_000])
def test_a_lease_of_an_older_fairshard_that_cannot_be_read_is_no_one_s(
    world: World, content: bytes
) -> None:
    world.storage.publish(paths.RUNNING_BEFORE, content)
    assert world.holders == []
    assert enter(world.run())


def test_nor_is_one_of_a_dead_process(world: World, ended: int) -> None:
    old_lease(world, ended)
    assert enter(Hold(world.storage, here("new", "this")))


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
        assert [holder.run for holder in living(storage)] == ["run"]
        assert list(Path(storage.url).rglob(".*")) == []
    assert storage.names(paths.RUNNING) == ()


def test_a_run_that_shares_it_leaves_hidden_files_alone(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    storage = Storage(config.output.url)
    enter(Hold(storage, Holder("other", asked_of(config), "elsewhere", "", 1, "", "now")))
    storage.publish(hidden("shards/00000.tar"), b"half")
    with leased(config, "run"):
        assert len(list(Path(storage.url).rglob(".*"))) == 1
    assert [holder.run for holder in living(storage)] == ["other"]


def test_a_run_that_lost_it_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.session.lease.BEAT_SECONDS", 0.0)
    config = config_of(tmp_path)
    storage = Storage(config.output.url)
    with (
        pytest.raises(FairshardError, match=r"another run took over .*run the same command again"),
        leased(config, "run"),
    ):
        for name in lease_files(storage):
            storage.delete(name)
        for _ in range(3000):
            storage.publish("shards/00000.tar", b"")
    assert storage.names(paths.RUNNING) == ()


def test_a_run_that_lost_it_says_so_though_its_engine_reports_the_interrupt_as_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.session.lease.BEAT_SECONDS", 0.0)
    config = config_of(tmp_path)
    storage = Storage(config.output.url)
    with (
        pytest.raises(FairshardError, match="another run took over"),
        leased(config, "run"),
        recorded(config, "label", "run"),
    ):
        record(storage, run="other", finished=None, error=None)
        try:
            for name in lease_files(storage):
                storage.delete(name)
            for _ in range(3000):
                storage.publish("shards/00000.tar", b"")
        except KeyboardInterrupt as error:
            raise RuntimeError("KeyboardInterrupt [while running 'Write']") from error
    assert read_run(storage).run == "other"
    assert read_run(storage).error is None


def test_a_run_that_fails_as_clean_took_its_files_says_so(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    with (
        pytest.raises(FairshardError, match="`fairshard clean --force` took it for dead"),
        leased(config, "run"),
        Storage(config.output.url).publishing("shards/00000.tar") as sink,
    ):
        sink.write(b"half")
        assert fairshard("clean", config.output.url, "--force") == 0


def test_the_last_run_to_leave_removes_what_dead_attempts_left(world: World) -> None:
    first, second = world.entered(), world.entered()
    left = hidden("labels/00000.parquet")
    system, path = world.storage._at(left)
    system.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
    system.pipe_file(path, b"half")
    leave(first)
    assert world.storage.exists(left)
    leave(second)
    assert not world.storage.exists(left)


def test_clean_by_force_takes_every_lease(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    if world.storage.url.startswith("memory"):
        return
    run = world.entered()
    assert fairshard("clean", world.storage.url) == 1
    assert fairshard("clean", world.storage.url, "--force") == 0
    assert "removed done/running/0.json" in capsys.readouterr().out
    assert world.holders == []
    assert not run.renew()
    assert enter(world.run("that"))


@pytest.mark.parametrize("command", [("calibrate",), ("gate", "plan")], ids=" ".join)
def test_what_writes_beside_the_stages_holds_it_too(
    tmp_path: Path, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_of(tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json", exclude_unset=True)))
    checked = ("checked.csv",) if command == ("calibrate",) else ()
    with held(Storage(config.output.url)):
        assert fairshard(*command, path, *checked) == 1
    assert "another run with another configuration writes to" in capsys.readouterr().err
