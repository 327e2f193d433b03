"""Commands in sessions of their own, whose processes can be found, killed and waited for."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_WORKERS = ("pipelines.beam.local_worker", "pyspark.daemon", "SparkSubmit")
_UNEXPECTED = re.compile(
    r"Traceback \(most|should not have happened|^\s+at [\w.$/]+\(.*\)$", re.MULTILINE
)
_TICK = 0.02
_LAST_WORDS_SECONDS = 2.0


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative: the signal), what it said, whether it hung."""

    code: int
    said: str
    hung: bool

    @property
    def clear(self) -> bool:
        """Whether it ended well or with a sentence, without a traceback of Python's or Java's."""
        return self.code == 0 or (bool(self.said.strip()) and not _UNEXPECTED.search(self.said))


class Command:
    """`fairshard` with `arguments`, running; all of its processes share one session."""

    def __init__(
        self,
        arguments: Sequence[object],
        log: Path,
        path: Sequence[Path],
        environment: Mapping[str, str],
        prefix: Sequence[str],
    ) -> None:
        words = [*prefix, sys.executable, "-m", "jobs.cli", *map(str, arguments)]
        python = {
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *path))),
            "PYTHONFAULTHANDLER": "1",
        }
        self._log = log
        with log.open("wb") as sink:
            self._driver = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd=log.parent,
                env={**os.environ, **python, **environment},
                start_new_session=True,
            )

    @property
    def driver(self) -> int:
        """The process that was started."""
        return self._driver.pid

    def processes(self) -> dict[int, str]:
        """The living processes of the session, and their command lines."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    status = (entry / "stat").read_text().rpartition(")")[2].split()
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                if status[0] != "Z" and int(status[3]) == self.driver:
                    found[int(entry.name)] = line
        return found

    def workers(self) -> list[int]:
        """The engine's processes, but for shells that wait for them."""
        return sorted(
            process
            for process, line in self.processes().items()
            if process != self.driver
            and any(worker in line for worker in _WORKERS)
            and not line.startswith("/bin/sh")
        )

    def running(self) -> bool:
        """Whether the command has not ended."""
        return self._driver.poll() is None

    def sleep(self, seconds: float) -> bool:
        """Let it run for `seconds`; whether it is still running then."""
        until = time.monotonic() + seconds
        while self.running() and time.monotonic() < until:
            time.sleep(_TICK)
        return self.running()

    def end(self, limit: float) -> Ended:
        """Wait for its end; after `limit` seconds all its processes say where they are, and die."""
        hung = self.sleep(limit)
        if hung:
            self._signal(signal.SIGABRT)
            time.sleep(_LAST_WORDS_SECONDS)
            self._signal(signal.SIGKILL)
        code = self._driver.wait()
        return Ended(code, self._log.read_text(errors="replace"), hung)

    def left(self, limit: float) -> int:
        """How many of its processes are left `limit` seconds after its end; they are killed."""
        until = time.monotonic() + limit
        while (found := len(self.processes())) and time.monotonic() < until:
            time.sleep(_TICK)
        self._signal(signal.SIGKILL)
        return found

    def _signal(self, number: int) -> None:
        for process in self.processes():
            kill(process, number)


def kill(process: int, number: int = signal.SIGKILL) -> bool:
    """Send a signal; whether there was such a process."""
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return False
    return True
