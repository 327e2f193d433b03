"""A real Spark standalone cluster on loopback, and applications submitted to it."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyspark

SPARK = Path(pyspark.__file__).parent
SUBMIT = Path(__file__).parents[1] / "infra" / "spark" / "submit.py"
_ENVIRONMENT = {
    "SPARK_HOME": str(SPARK),
    "SPARK_LOCAL_IP": "127.0.0.1",
    "SPARK_PUBLIC_DNS": "127.0.0.1",
    "PYSPARK_PYTHON": sys.executable,
}


@dataclass(frozen=True)
class Cluster:
    """A running cluster: the URL of its master, and its workers' processes."""

    master: str
    workers: tuple[psutil.Process, ...]

    def executors(self) -> list[psutil.Process]:
        """The Java processes that run tasks."""
        return [
            child
            for worker in self.workers
            for child in _descendants(worker)
            if "CoarseGrainedExecutorBackend" in " ".join(_command(child))
        ]

    def python_workers(self) -> list[psutil.Process]:
        """The Python processes that run tasks, as Spark's daemons fork them."""
        daemons = [
            child
            for executor in self.executors()
            for child in executor.children()
            if "pyspark.daemon" in " ".join(_command(child))
        ]
        return [worker for daemon in daemons for worker in daemon.children()]


@contextmanager
def standalone_cluster(
    folder: Path, workers: int = 2, settings: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """A master and `workers` workers of one core each; all are ended with the block.

    Each worker has a loopback address of its own: Spark never runs two attempts on one host.
    `settings` are Spark's for the daemons.
    """
    java = [f"-D{key}={value}" for key, value in (settings or {}).items()]
    with ExitStack() as stack:
        master = stack.enter_context(
            _daemon(folder / "master", java, "master.Master", "--host", "127.0.0.1")
        )
        url = _said(master, r"Starting Spark master at (spark://\S+)")
        processes = []
        for number in range(workers):
            host = f"127.0.0.{number + 1}"
            arguments = ("--host", host, "--cores", "1", "--memory", "1g", url)
            worker = stack.enter_context(
                _daemon(folder / f"worker{number}", java, "worker.Worker", *arguments)
            )
            _said(worker, r"(Successfully registered with master)")
            processes.append(psutil.Process(worker.pid))
        yield Cluster(url, tuple(processes))


def submitted(
    cluster: Cluster, wheel: Path, arguments: list[str], conf: dict[str, str], log: Path
) -> "subprocess.Popen[bytes]":
    """`fairshard` with `arguments`, submitted with a built wheel; what it says goes to `log`."""
    options = [f"--conf={key}={value}" for key, value in conf.items()]
    command = [str(SPARK / "bin" / "spark-submit"), "--master", cluster.master, *options]
    with log.open("wb") as sink:
        return subprocess.Popen(
            [*command, "--py-files", str(wheel), str(SUBMIT), *arguments],
            env={**os.environ, **_ENVIRONMENT},
            stdout=sink,
            stderr=subprocess.STDOUT,
        )


@contextmanager
def _daemon(
    folder: Path, java: Sequence[str], name: str, *arguments: str
) -> "Iterator[subprocess.Popen[str]]":
    folder.mkdir(parents=True)
    log4j = folder / "log4j2.properties"
    log4j.write_text(
        "rootLogger.level = info\nrootLogger.appenderRef.console.ref = console\n"
        "appender.console.type = Console\nappender.console.name = console\n"
        "appender.console.target = SYSTEM_OUT\nappender.console.layout.type = PatternLayout\n"
        "appender.console.layout.pattern = %m%n\n"
    )
    command = [str(SPARK / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}"]
    options = [f"-Dlog4j2.configurationFile={log4j.as_uri()}", *java]
    places = {"SPARK_WORKER_DIR": str(folder), "SPARK_DAEMON_JAVA_OPTS": " ".join(options)}
    process = subprocess.Popen(
        [*command, "--webui-port", "0", "--port", "0", *arguments],
        env={**os.environ, **_ENVIRONMENT, **places},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        end_tree(process.pid)
        process.wait()


def _said(process: "subprocess.Popen[str]", pattern: str) -> str:
    """What `pattern` finds in the process's output; what follows is read and thrown away."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return found[1]
    raise AssertionError(f"the process ended without saying {pattern}")


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def end_tree(pid: int) -> None:
    """Kill a process and all that it started."""
    root = psutil.Process(pid)
    for process in [*_descendants(root), root]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
