"""The lease on an output: runs that ask for different bytes never write to it at once."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from jobs.runs import now as in_words
from transforms import layout
from transforms.config import Config
from transforms.errors import FairshardError
from transforms.interrupts import interruption
from transforms.logs import LOGGER
from transforms.storage import Storage, output_storage
from transforms.tables import digest

BEAT_SECONDS = 10.0
DEAD_SECONDS = 60.0
_TRIES = 20
_OF_NO_MATTER: dict[str, Any] = {
    "engine": True,
    "gates": True,
    "input": {"storage_options"},
    "output": {"url", "storage_options"},
}


@dataclass(frozen=True, slots=True)
class Holder:
    """A run that writes to an output.

    numbers: which processes share their numbers with its own. beat: when it was last known to be
    alive, in seconds since 1970.
    """

    run: str
    host: str
    numbers: str
    pid: int
    started: str
    beat: float


@dataclass(frozen=True, slots=True)
class Lease:
    """Who writes to an output, and `asked`, a digest of what all of them ask for."""

    asked: str
    holders: tuple[Holder, ...]

    def to_json(self) -> bytes:
        """The lease as readable JSON."""
        return f"{json.dumps(asdict(self), indent=1)}\n".encode()


@dataclass(frozen=True)
class Hold:
    """One run's part in the lease on `storage`; `now` tells the seconds since 1970."""

    storage: Storage
    asked: str
    mine: Holder
    now: Callable[[], float] = time.time

    def take(self) -> bool:
        """Enter the lease; whether no other run is in it.

        Runs that ask for the same share it, and a run known to be dead is put out of it. Raises
        FairshardError where a run that asks for something else is in it.
        """
        for _ in range(_TRIES):
            if self.storage.create(layout.RUNNING, self._with(())):
                return True
            lease = read_lease(self.storage)
            others = self._living(lease)
            if not others:
                self.storage.delete(layout.RUNNING)
            elif lease.asked == self.asked:
                self.storage.publish(layout.RUNNING, self._with(others))
                return False
            else:
                raise self._refusal(others[0])
        raise FairshardError(
            f"{self.storage.path(layout.RUNNING)} is written and removed by other runs again and "
            "again: run the same command once they have ended"
        )

    def renew(self) -> bool:
        """Say that this run is alive; whether the output is still its to write to."""
        lease = read_lease(self.storage)
        if not lease.holders:
            return self.storage.create(layout.RUNNING, self._with(())) or self._is_shared()
        if lease.asked == self.asked:
            self.storage.publish(layout.RUNNING, self._with(self._living(lease)))
        return lease.asked == self.asked

    def give_back(self) -> None:
        """Leave the lease; the last run to leave removes it, and what its dead attempts left."""
        lease = read_lease(self.storage)
        others = self._living(lease)
        if lease.asked != self.asked:
            return
        if others:
            self.storage.publish(layout.RUNNING, replace(lease, holders=others).to_json())
        else:
            self.storage.sweep()
            self.storage.delete(layout.RUNNING)

    def _with(self, others: tuple[Holder, ...]) -> bytes:
        return Lease(self.asked, (*others, replace(self.mine, beat=self.now()))).to_json()

    def _is_shared(self) -> bool:
        return read_lease(self.storage).asked == self.asked

    def _living(self, lease: Lease) -> tuple[Holder, ...]:
        return tuple(
            holder
            for holder in lease.holders
            if holder.run != self.mine.run and not self._is_dead(holder)
        )

    def _is_dead(self, holder: Holder) -> bool:
        if self.now() - holder.beat > DEAD_SECONDS:
            return True
        here = (holder.host, holder.numbers) == (self.mine.host, self.mine.numbers)
        return here and (holder.pid == self.mine.pid or not _runs(holder.pid))

    def _refusal(self, other: Holder) -> FairshardError:
        return FairshardError(
            f"another run with another configuration writes to {self.storage.url}: process "
            f"{other.pid} on {other.host}, since {other.started}, last heard of "
            f"{max(0.0, self.now() - other.beat):.0f} s ago; wait for its end (it counts as dead "
            f"after {DEAD_SECONDS:.0f} s of silence), or give this run another output.url"
        )


@contextmanager
def leased(config: Config, run: str) -> Iterator[None]:
    """Hold the lease on the output in the block; before it, remove what dead attempts left.

    Raises FairshardError where the output cannot be written to, or is another run's. A run whose
    lease was given to another, as it seemed dead, is interrupted.
    """
    storage = output_storage(config.output)
    hold = Hold(storage, asked_of(config), _this_process(run))
    try:
        if hold.take():
            storage.sweep()
    except (OSError, ImportError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FairshardError(
            f"the output {storage.url} cannot be written to: {reason}; `fairshard doctor` with the "
            "configuration says what is missing"
        ) from None
    lost, stop = threading.Event(), threading.Event()
    with interruption() as interrupt:
        beating = threading.Thread(target=_beat, args=(hold, lost, stop, interrupt), daemon=True)
        beating.start()
        try:
            yield
        except KeyboardInterrupt:
            if lost.is_set():
                raise FairshardError(
                    f"another run took over {storage.url}, as this one had not been heard of for "
                    f"{DEAD_SECONDS:.0f} s: run the same command again once that has ended"
                ) from None
            raise
        finally:
            stop.set()
            beating.join()
            _leave(hold)


def read_lease(storage: Storage) -> Lease:
    """The lease on an output; one without holders where there is none."""
    content = storage.find(layout.RUNNING)
    if content is None:
        return Lease("", ())
    try:
        values = json.loads(content)
        return Lease(values["asked"], tuple(Holder(**holder) for holder in values["holders"]))
    except (ValueError, TypeError, KeyError):
        return Lease("", ())


def living(storage: Storage) -> tuple[Holder, ...]:
    """The runs that write to an output now, as far as can be told from here."""
    hold = Hold(storage, "", _this_process(""))
    return hold._living(read_lease(storage))


def asked_of(config: Config) -> str:
    """A digest of all of a configuration that may change the bytes of an output."""
    values = config.model_dump(mode="json", exclude=_OF_NO_MATTER)
    return digest(json.dumps(values, sort_keys=True).encode())


def _beat(
    hold: Hold, lost: threading.Event, stop: threading.Event, interrupt: Callable[[], None]
) -> None:
    """Renew the lease until `stop`; interrupt the run where the lease is lost."""
    while not stop.wait(BEAT_SECONDS):
        try:
            held = hold.renew()
        except Exception as error:  # the storage may be away for a while
            LOGGER.warning("the lease on the output could not be renewed: %s", error)
            continue
        if not held:
            lost.set()
            interrupt()
            return


def _leave(hold: Hold) -> None:
    try:
        hold.give_back()
    except Exception as error:  # the run itself has ended
        LOGGER.warning(
            "%s could not be removed: it counts as dead after %.0f s: %s",
            hold.storage.path(layout.RUNNING),
            DEAD_SECONDS,
            error,
        )


def _this_process(run: str) -> Holder:
    return Holder(run, socket.gethostname(), _numbers(), os.getpid(), in_words(), time.time())


def _numbers() -> str:
    """What tells apart containers that share the name of their host, on Linux."""
    space = Path("/proc/self/ns/pid")
    return str(space.readlink()) if space.exists() else ""


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
