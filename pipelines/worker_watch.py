"""The local workers of a Beam run, watched from the process that runs them."""

import signal
import threading
from contextlib import suppress
from typing import Any

import psutil

from transforms.errors import FairshardError

WORKER = "pipelines.local_worker"


class WorkersWatched:
    """In the block, the death of a local worker is a FairshardError: Beam may wait for it forever.

    Beam would also wait for the others, so these end too.
    """

    def __init__(self) -> None:
        self._dead = ""
        self._before = threading.excepthook

    def __enter__(self) -> None:
        threading.excepthook = self._seen

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        threading.excepthook = self._before
        if self._dead and value is not None and not isinstance(value, FairshardError):
            raise FairshardError(
                f"a worker process of the run has died ({self._dead}), as when memory runs out: "
                "run the same command again; fewer workers (-- --direct_num_workers=1) take less "
                "memory"
            ) from None

    def _seen(self, failed: threading.ExceptHookArgs) -> None:
        name = failed.thread.name if failed.thread else ""
        if name == "run_worker" and not self._dead:
            self._dead = str(failed.exc_value).rpartition(" with ")[2]
            for child in psutil.Process().children():
                with suppress(psutil.Error):
                    if WORKER in child.cmdline():
                        child.kill()
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        elif name != "beam_control_read" and not self._dead:
            self._before(failed)
