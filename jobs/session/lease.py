"""The lease on an output: runs that ask for different bytes never write to it at once.

A run writes a file of its own in `done/running`, then looks at those of the others: of two runs
that enter at once at least one sees the other, whatever their clocks say. Entering is for one at a
time: of those that see each other, the one of the lower id waits for the others to step back.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from jobs.session.holders import (
    DEAD_SECONDS,
    Holder,
    LivingRun,
    Roll,
    file_of,
    mark_of,
    this_process,
)
from jobs.session.run_record import now as in_words
from transforms.base.errors import SupersededError
from transforms.base.interrupts import interruption
from transforms.base.logs import LOGGER
from transforms.config.sections import Config
from transforms.labels.settings import settings_digest
from transforms.labels.tables import digest
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage

BEAT_SECONDS = 10.0
_POLL_SECONDS = 0.05
_POLLS = 20
_OF_NO_MATTER: dict[str, Any] = {
    "engine": True,
    "gates": True,
    "input": {"storage_options"},
    "tables": {"__all__": {"storage_options"}},
    "embeddings": {"__all__": {"storage_options"}},
    "output": {"url", "storage_options"},
}


@dataclass
class Hold:
    """One run's part in the lease on `storage`; `entered` once it may write there.

    key: the key of the configuration that names it.
    """

    storage: Storage
    mine: Holder
    key: str = "output.url"
    entered: bool = False
    _roll: Roll = field(init=False)

    def __post_init__(self) -> None:
        self._roll = Roll(self.storage, self.mine)

    def enter(self) -> bool:
        """Wait until no other run is just entering, and keep others from it; whether none is in.

        Raises SupersededError where a run that asks for something else is in.
        """
        try:
            while (alone := self._tried()) is None:
                pass
        except BaseException:
            with suppress(Exception):  # what hinders it is told
                self.remove()
            raise
        return alone

    def settle(self) -> None:
        """Be in: others may enter. SupersededError where this run was taken for dead meanwhile."""
        self.storage.publish(self._path(mark_of(self.mine.run)), self._content)
        self.entered = True
        if not self.renew():
            self.remove()
            raise self.lost()

    def renew(self) -> bool:
        """Say that this run is alive; whether the output is still its to write to."""
        own, mark, entered = file_of(self.mine.run), mark_of(self.mine.run), self.entered
        if own not in self.storage.written(paths.RUNNING):
            return False
        times, now = self._written(new=False)
        if own not in times or (entered and self.entered and mark not in times):
            return False
        return not any(
            entry.held and entry.holder.asked != self.mine.asked
            for entry in self._roll.living(times, now)
        )

    def step_back(self) -> None:
        """End writing; the last run to do so removes what its dead attempts left."""
        if not self.renew():
            return
        self.entered = False
        self.storage.delete(self._path(mark_of(self.mine.run)))
        times, now = self._written(new=False)
        if file_of(self.mine.run) in times and not self._roll.living(times, now):
            self.storage.sweep()

    def remove(self) -> None:
        """Leave the lease."""
        self.storage.delete(self._path(file_of(self.mine.run)))
        self.storage.delete(self._path(mark_of(self.mine.run)))

    def lost(self) -> SupersededError:
        """What is said of a run whose lease is gone."""
        return SupersededError(
            f"another run took over {self.storage.url}, as this one had not been heard of for "
            f"{DEAD_SECONDS:.0f} s, or `fairshard clean --force` took it for dead: run the same "
            "command again once that has ended"
        )

    @property
    def _content(self) -> bytes:
        return f"{json.dumps(asdict(self.mine), indent=1)}\n".encode()

    def _path(self, name: str) -> str:
        return f"{paths.RUNNING}/{name}"

    def _tried(self) -> bool | None:
        """What `enter` tells; None, after a wait, where another run is entering."""
        times, now = self._written()
        others = (*self._roll.living(times, now), *self._roll.older(now))
        for entry in others:
            if entry.held and entry.holder.asked != self.mine.asked:
                raise self._refusal(entry)
        entering = [entry.holder for entry in others if not entry.held]
        if not entering:
            self._roll.bury(times, now)
            return not others
        first = min(entering, key=lambda holder: holder.run)
        if first.run < self.mine.run:
            self.remove()
        self._await(first)
        return None

    def _written(self, new: bool = True) -> tuple[dict[str, float], float]:
        """All files in `done/running` once this run's is written, and the storage's time then."""
        name = file_of(self.mine.run)
        if not self.storage.touch(self._path(name), self._content) and new:
            self.storage.publish(self._path(name), self._content)
        times = self.storage.written(paths.RUNNING)
        return times, times.get(name, time.time())

    def _await(self, other: Holder) -> None:
        """Wait, for a second at most, until another run is no longer entering."""
        for _ in range(_POLLS):
            time.sleep(_POLL_SECONDS)
            names = self.storage.written(paths.RUNNING)
            if file_of(other.run) not in names or mark_of(other.run) in names:
                return
        LOGGER.warning(
            "process %d on %s begins to write to %s: this run waits for it",
            other.pid,
            other.host,
            self.storage.url,
        )

    def _refusal(self, other: LivingRun) -> SupersededError:
        holder = other.holder
        whose = "another configuration" if holder.asked else "an older fairshard"
        return SupersededError(
            f"another run with {whose} writes to {self.storage.url}: process {holder.pid} on "
            f"{holder.host}, since {holder.started}, last heard of {max(0.0, other.silence):.0f} s "
            f"ago; wait for its end (it counts as dead after {DEAD_SECONDS:.0f} s of silence), or "
            f"give this run another {self.key}"
        )


@contextmanager
def leased(config: Config, run: str, afresh: bool = False) -> Iterator[None]:
    """Hold the lease on the output in the block; before it, remove what dead attempts left.

    Labels that lie apart are leased first, to all runs that ask for the same labels; alone where
    they are to be made `afresh`. Raises FairshardError where output or labels cannot be written to,
    or are another run's. A run whose lease was given to another, as it seemed dead, is interrupted.
    """
    storage = output_storage(config.output)
    with ExitStack() as leases:
        if storage.labels is not None:
            asked = f"labels {settings_digest(config)}{f' {run}' * afresh}"
            mine = this_process(run, asked, in_words())
            leases.enter_context(holding(storage.of_labels, mine, "output.labels"))
        leases.enter_context(holding(storage, this_process(run, asked_of(config), in_words())))
        yield


@contextmanager
def holding(storage: Storage, mine: Holder, key: str = "output.url") -> Iterator[None]:
    """As `leased`, for the run `mine` and the folder `storage`, which the `key` names."""
    hold = Hold(storage, mine, key)
    lost, stop = threading.Event(), threading.Event()
    with interruption() as interrupt:
        alone = hold.enter()
        beating = threading.Thread(target=_beat, args=(hold, lost, stop, interrupt), daemon=True)
        beating.start()
        try:
            if alone:
                storage.sweep()
            hold.settle()
            try:
                yield
            finally:
                _leaving(hold, hold.step_back)
        except (Exception, KeyboardInterrupt) as error:  # engines make the latter one of their own
            if lost.is_set() or (isinstance(error, Exception) and _is_gone(hold)):
                raise hold.lost() from None
            raise
        finally:
            stop.set()
            beating.join()
            _leaving(hold, hold.remove)


def asked_of(config: Config) -> str:
    """A digest of all of a configuration that may change the bytes of an output."""
    values = config.model_dump(mode="json", exclude=_OF_NO_MATTER)
    return digest(json.dumps(values, sort_keys=True).encode())


def _is_gone(hold: Hold) -> bool:
    """Whether a run that fails has lost its lease: what others removed then made it fail."""
    try:
        return not hold.renew()
    except Exception:  # what the run failed of is told
        return False


def _leaving(hold: Hold, step: Callable[[], None]) -> None:
    try:
        step()
    except Exception as error:  # the run itself has ended
        LOGGER.warning(
            "%s could not be removed: it counts as dead after %.0f s: %s",
            hold.storage.path(f"{paths.RUNNING}/{file_of(hold.mine.run)}"),
            DEAD_SECONDS,
            error,
        )


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
