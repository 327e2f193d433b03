"""The runs in an output, a file a run in `done/running`: who they are, and which are alive."""

import os
import re
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from transforms.base.errors import FairshardError
from transforms.base.logs import LOGGER
from transforms.storage import paths
from transforms.storage.documents import parsed
from transforms.storage.files import Storage

DEAD_SECONDS = 60.0
_OURS = re.compile(r"[^.]+\.(json|entered|now)|\..+\.[0-9a-f]{32}\.tmp")
_PROCESSES = Path("/proc")
_BOOT = _PROCESSES / "sys/kernel/random/boot_id"


@dataclass(frozen=True, slots=True)
class Holder:
    """A run, its process, and `asked`, a digest of what it asks for.

    space: which processes share their numbers with its own. born: when its process began, in the
    kernel's words; "" where that is not known. started: the same of the run, for people.
    """

    run: str
    asked: str
    host: str
    space: str
    pid: int
    born: str
    started: str


@dataclass(frozen=True, slots=True)
class LivingRun:
    """A living run in an output: `held` once it has entered, `silence` seconds ago heard of."""

    holder: Holder
    held: bool
    silence: float


@dataclass(frozen=True, slots=True)
class _OldHolder:
    """A run in a lease as fairshard wrote it before, of all runs in one file."""

    run: str
    host: str
    numbers: str
    pid: int
    started: str
    beat: float


@dataclass(frozen=True, slots=True)
class _OldLease:
    asked: str
    holders: tuple[_OldHolder, ...]


_HOLDER = TypeAdapter(Holder)
_OLD_LEASE = TypeAdapter(_OldLease)


@dataclass(frozen=True)
class Roll:
    """The runs that `storage` holds files of, as the run `mine` sees them.

    A run is dead once its process is known to have ended, or once the storage's own clock, by
    which its file is renewed, is DEAD_SECONDS away from its last sign of life.
    """

    storage: Storage
    mine: Holder
    _read: dict[str, Holder] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)

    def living(self, times: Mapping[str, float], now: float) -> tuple[LivingRun, ...]:
        """The others that are alive, of the files in `done/running` at their `times`."""
        found = (
            LivingRun(holder, mark_of(holder.run) in times, now - times[name])
            for name, holder in self._holders(times)
            if holder.run != self.mine.run
        )
        return tuple(entry for entry in found if not self._is_dead(entry))

    def older(self, now: float) -> tuple[LivingRun, ...]:
        """The living runs of an older fairshard, which all write to one file."""
        name = paths.RUNNING_BEFORE
        content = self.storage.find(name)
        if content is None:
            return ()
        try:
            lease = parsed(content, _OLD_LEASE)
        except ValueError:
            return ()
        at = self.storage.written(paths.DONE).get(name.rpartition("/")[2], now)
        found = (LivingRun(self._renamed(old), True, now - at) for old in lease.holders)
        return tuple(entry for entry in found if not self._is_dead(entry))

    def bury(self, times: Mapping[str, float], now: float) -> None:
        """Remove the files of runs that are dead, and what nobody has written to for long."""
        living = {entry.holder.run for entry in self.living(times, now)} | {self.mine.run}
        dead = {holder.run for _, holder in self._holders(times)} - living
        spared = {name for run in living for name in (file_of(run), mark_of(run))}
        for name, at in times.items():
            if name.rpartition(".")[0] in dead or (
                is_ours(name) and name not in spared and abs(now - at) > DEAD_SECONDS
            ):
                self.storage.delete(f"{paths.RUNNING}/{name}")
        self.storage.delete(paths.RUNNING_BEFORE)

    def _holders(self, times: Mapping[str, float]) -> Iterator[tuple[str, Holder]]:
        """The runs with a file that can be read; a run's file never changes."""
        for name in times:
            if name.endswith(paths.RECORD) and not name.startswith("."):
                own = name == file_of(self.mine.run)
                holder = self.mine if own else self._read.get(name) or self._holder(name)
                if holder is not None:
                    self._read[name] = holder
                    yield name, holder

    def _holder(self, name: str) -> Holder | None:
        path = f"{paths.RUNNING}/{name}"
        content = self.storage.find(path)
        if content is None:
            return None
        try:
            holder = parsed(content, _HOLDER)
            if file_of(holder.run) == name:
                return holder
        except ValueError:
            pass
        if name not in self._said:
            self._said.add(name)
            LOGGER.warning(
                "%s is not the file of a run, and does not count", self.storage.path(path)
            )
        return None

    def _is_dead(self, entry: LivingRun) -> bool:
        holder, mine = entry.holder, self.mine
        if abs(entry.silence) > DEAD_SECONDS:
            return True
        return (holder.host, holder.space) == (mine.host, mine.space) and _has_ended(holder)

    def _renamed(self, old: _OldHolder) -> Holder:
        here = old.host == self.mine.host and old.numbers == _numbers()
        space = self.mine.space if here else old.numbers
        return Holder(old.run, "", old.host, space, old.pid, "", old.started)


def living(storage: Storage) -> tuple[Holder, ...]:
    """The runs that write to an output now, as far as can be told from here."""
    roll = Roll(storage, this_process("", "", ""))
    times = storage.written(paths.RUNNING)
    now = time.time()
    if roll.living(dict.fromkeys(times, now), now) or storage.exists(paths.RUNNING_BEFORE):
        times, now = _with_time(storage)
    return tuple(entry.holder for entry in (*roll.living(times, now), *roll.older(now)))


def lease_files(storage: Storage) -> list[str]:
    """The files of all runs, dead or alive: a run whose file is removed is interrupted."""
    names = [f"{paths.RUNNING}/{name}" for name in storage.written(paths.RUNNING) if is_ours(name)]
    before = paths.RUNNING_BEFORE
    return [*names, before] if storage.exists(before) else names


def is_ours(name: str) -> bool:
    """Whether a file in `done/running` bears a name that runs give to theirs."""
    return _OURS.fullmatch(name) is not None


def file_of(run: str) -> str:
    """The name of a run's file in `done/running`."""
    return f"{run}{paths.RECORD}"


def mark_of(run: str) -> str:
    """The name of the file beside it that says that the run has entered."""
    return f"{run}.entered"


def this_process(run: str, asked: str, started: str) -> Holder:
    """The run `run`, as one of this process."""
    pid = os.getpid()
    boot = _BOOT.read_text("ascii").strip() if _BOOT.exists() else ""
    space = f"{boot} {_numbers()}"
    return Holder(run, asked, socket.gethostname(), space, pid, _state_of(pid)[1], started)


def _with_time(storage: Storage) -> tuple[dict[str, float], float]:
    """The files in `done/running`, and the time by the storage's clock; by ours if it has none.

    A file is written to learn it, unless the output cannot be written to.
    """
    probe = f"{uuid.uuid4().hex}.now"
    with suppress(FairshardError):
        storage.publish(f"{paths.RUNNING}/{probe}", b"\n")
        times = storage.written(paths.RUNNING)
        storage.delete(f"{paths.RUNNING}/{probe}")
        if probe in times:
            return times, times.pop(probe)
    return storage.written(paths.RUNNING), time.time()


def _numbers() -> str:
    """What tells apart containers that share the name of their host, on Linux."""
    space = _PROCESSES / "self/ns/pid"
    return str(space.readlink()) if space.exists() else ""


def _has_ended(holder: Holder) -> bool:
    """Whether a process of this machine has ended, or its number is another one's by now."""
    try:
        os.kill(holder.pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    state, born = _state_of(holder.pid)
    return state in {"Z", "X"} or (bool(holder.born) and bool(born) and born != holder.born)


def _state_of(pid: int) -> tuple[str, str]:
    """The state of a process and when it began, in ticks since the boot; "" where not known."""
    try:
        stat = (_PROCESSES / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return "", ""
    fields = stat.rpartition(")")[2].split()
    return fields[0], fields[19]
