"""A worker process of the local Beam engine, as seen from the engine: its start, end and death."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from pipelines.beam.local_worker import ENGINE, SOCKETS

_WORKER = "pipelines.beam.local_worker"
_CHUNK_BYTES = 4096
_READ_SECONDS = 5.0
_LONGEST_REASON = 300


class WorkerProcess:
    """A process that serves the engine at `control` under a name.

    `died` is called, in a thread, with a sentence where it ends before it is told to.
    """

    def __init__(self, name: str, control: str, sockets: Path, died: Callable[[str], None]) -> None:
        self._died = died
        self._told = False
        self._said = b""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _WORKER],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                ENGINE: str(os.getpid()),
                SOCKETS: str(sockets),
                "WORKER_ID": name,
                "CONTROL_API_SERVICE_DESCRIPTOR": f'url: "{control}"',
            },
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._reader.start()
        self._watcher.start()

    def expect_end(self) -> None:
        """From now on its end is no death."""
        self._told = True

    def kill(self) -> None:
        """End it now."""
        self._told = True
        self._process.kill()

    def wait(self) -> None:
        """Wait for its end."""
        self._watcher.join()

    def _read(self) -> None:
        """Keep the last that it says, which may be more than a pipe holds."""
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            while chunk := pipe.read1(_CHUNK_BYTES):  # type: ignore[attr-defined]
                self._said = (self._said + chunk)[-_CHUNK_BYTES:]

    def _watch(self) -> None:
        code = self._process.wait()
        if not self._told:
            self._reader.join(_READ_SECONDS)
            self._died(_sentence(code, self._said.decode(errors="replace")))


def _sentence(code: int, said: str) -> str:
    """How a worker died, of what, and what to do."""
    if code == -signal.SIGKILL:
        return (
            "a worker process of the run has died (SIGKILL), as when memory runs out: fewer "
            "workers (-- --direct_num_workers=1) take less; if it was killed for another reason, "
            "run the same command again"
        )
    how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = f"the last it said is {lines[-1][:_LONGEST_REASON]!r}" if lines else "it said nothing"
    return (
        f"a worker process of the run has died ({how}), and {last}: run the same command again "
        "once its cause is gone"
    )
