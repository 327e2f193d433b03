"""The local workers of a Beam run, watched from the process that runs them."""

import threading
from contextlib import ExitStack, suppress
from typing import Any

import psutil
from grpc import RpcError

from transforms.errors import FairshardError
from transforms.interrupts import interruption

WORKER = "pipelines.local_worker"
_OF_WORKERS = ("run_worker", "beam_control_read")
_LOOK_SECONDS = 0.1


class WorkersWatched:
    """In the block, the death of a local worker is a FairshardError: Beam may wait for it forever.

    Beam would also wait for the others, those included that it is just about to start, so these
    end too; what its threads say of them, even after the block, is left out.
    """

    def __init__(self) -> None:
        self._exit = ExitStack()
        self._dead = ""
        self._over = threading.Event()
        self._before = threading.excepthook

    def __enter__(self) -> None:
        self._interrupt = self._exit.enter_context(interruption())
        threading.excepthook = self._seen

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        self._over.set()
        self._exit.close()
        if not self._dead:
            threading.excepthook = self._before
        elif value is not None and not isinstance(value, FairshardError):
            raise FairshardError(
                f"a worker process of the run has died ({self._dead}), as when memory runs out: "
                "run the same command again; fewer workers (-- --direct_num_workers=1) take less "
                "memory"
            ) from None

    def _seen(self, failed: threading.ExceptHookArgs) -> None:
        name = failed.thread.name if failed.thread else ""
        if name == "run_worker" and not self._dead:
            self._dead = str(failed.exc_value).rpartition(" with ")[2]
            threading.Thread(target=self._end_workers, daemon=True).start()
            self._interrupt()
        elif not self._dead or not (name in _OF_WORKERS or issubclass(failed.exc_type, RpcError)):
            self._before(failed)

    def _end_workers(self) -> None:
        _kill_workers()
        while not self._over.wait(_LOOK_SECONDS):
            _kill_workers()


def _kill_workers() -> None:
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if WORKER in child.cmdline():
                child.kill()
