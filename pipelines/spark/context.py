"""Spark's own process: how it is set up, and what is said where it fails."""

import argparse
import logging
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException

from pipelines.spark.scratch import scratch_folder
from pipelines.spark.user import name_user, with_home
from transforms.base.errors import (
    FairshardError,
    LostWorkerError,
    UnknownOptionError,
    error_in,
)

_LOG_SETTINGS = Path(__file__).with_name("log4j2-local.properties")
_LOCAL = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
}
_ALWAYS = {
    "spark.ui.showConsoleProgress": "false",
    "spark.executorEnv.PYTHONSAFEPATH": "1",
}
_JAVA_OPTIONS = "spark.driver.defaultJavaOptions"
_SCRATCH, _SCRATCH_BEFORE_IT = "spark.local.dir", "SPARK_LOCAL_DIRS"
_SECRET = re.compile(r"secret|passw|token|credential|key\b", re.IGNORECASE)
_CORES_ALONE = re.compile(r"local(?:\[(\d+|\*)\])?")
_IN_ONE_PROCESS = re.compile(r"local(\[.*\])?")
_QUOTED = re.compile(r'["\\]')
_ATTEMPTS = "spark.task.maxFailures"
_ATTEMPTS_OF_A_CLUSTER = "4"
_OF_JAVA = re.compile(r"^(?:: )?(?:[\w$]+\.)+[\w$]*(?:Exception|Error): (.+)$", re.MULTILINE)
_OF_PY4J = "java_gateway"
_OF_PYTHON = "Traceback (most recent call last)"
_CRASHED = "Python worker exited unexpectedly"
_DEAD = (
    "Spark's Java process has died, as when memory runs out or it is killed: give it more memory, "
    "if that ran out, and run the same command again, which goes on from what is finished"
)
_NEVER_LIVED = (
    "Spark's Java process ended before Spark had started; what it said of it stands above: where "
    "`java -version` says 17 or newer, run the same command again"
)
_WORKERS_DIED = (
    "a Python worker of Spark died at each attempt at a task, as when memory runs out: fewer "
    "workers (-- --master=local[1]) take less; the next run goes on from what is finished"
)


def settings_of(arguments: Sequence[str]) -> dict[str, str]:
    """Spark's settings by the engine's arguments; ConfigError where one is not for Spark."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--master")
    parser.add_argument("--conf", action="append", default=[])
    known, others = parser.parse_known_args(arguments)
    given = [*known.conf, *(other.removeprefix("--") for other in others)]
    for pair in given:
        if not pair.startswith("spark.") or "=" not in pair:
            raise UnknownOptionError(
                f"unknown option {pair}: Spark takes --master URL and --conf spark.KEY=VALUE", pair
            )
    settings = {**_ALWAYS, **dict(pair.split("=", 1) for pair in given)}
    master = known.master or settings.get("spark.master") or (None if _submitted() else "local[*]")
    if master is None:
        return settings
    if not _is_local(master):
        return {**settings, "spark.master": master}
    return {**_LOCAL, **settings, "spark.master": _retrying(master, settings)}


@contextmanager
def spark_context(settings: Mapping[str, str]) -> Iterator[SparkContext]:
    """A job's own context; what Spark ends it with becomes one sentence, a FairshardError."""
    _prepare(settings)
    with _py4j_silenced(), _with_scratch(settings) as own:
        context = _started(own)
        context._accumulatorServer.handle_error = _silent  # type: ignore[method-assign]
        try:
            yield context
            _require_java()
        except Exception as error:
            _require_java()
            raise _told(error) from error
        finally:
            _stop(context)


@contextmanager
def _with_scratch(settings: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """The settings with folders of our own for what a local Spark leaves on disk meanwhile."""
    if not _is_local(settings.get("spark.master")):
        yield settings
        return
    before = os.environ.pop(_SCRATCH_BEFORE_IT, None)
    roots = before or settings.get(_SCRATCH)
    try:
        places = roots.split(",") if roots else [_temporary_folder()]
        folders = ",".join(map(scratch_folder, places))
        yield {**settings, _SCRATCH: folders, _JAVA_OPTIONS: _java_options(settings)}
    finally:
        if before is not None:
            os.environ[_SCRATCH_BEFORE_IT] = before


def _temporary_folder() -> str:
    """The system's temporary folder; FairshardError where Spark would take it for several."""
    folder = tempfile.gettempdir()
    if "," in folder:
        raise FairshardError(
            f"the temporary folder {folder} has a comma in its name, and Spark takes what stands "
            "around it for folders: set TMPDIR, or -- --conf spark.local.dir=FOLDER, to another"
        )
    return folder


def _java_options(settings: Mapping[str, str]) -> str:
    temporary = scratch_folder(tempfile.gettempdir())
    own = {"log4j2.configurationFile": _LOG_SETTINGS.as_uri(), "java.io.tmpdir": temporary}
    given = settings.get(_JAVA_OPTIONS, "")
    pairs = (_QUOTED.sub(r"\\\g<0>", f"-D{name}={value}") for name, value in own.items())
    return " ".join([*(f'"{pair}"' for pair in pairs), given]).rstrip()


def _started(settings: Mapping[str, str]) -> SparkContext:
    """Spark started; what a setting's name says is secret is not on Java's command line."""
    given = list(with_home(settings).items())
    on_command_line = [pair for pair in given if not _SECRET.search(pair[0])]
    try:
        SparkContext._ensure_initialized(conf=SparkConf().setAll(on_command_line))
        name_user(SparkContext._jvm)
        asked = SparkConf().setAppName("fairshard").setAll(given)
        return SparkContext.getOrCreate(asked)
    except Py4JJavaError as error:
        raise _told(error) from error
    except (PySparkException, Py4JError, OSError) as error:
        raise FairshardError(_NEVER_LIVED) from error


@contextmanager
def _py4j_silenced() -> Iterator[None]:
    """Without the tracebacks that py4j gives to the root logger, beside those that it raises."""
    root = logging.getLogger()
    root.addFilter(_not_of_py4j)
    try:
        yield
    finally:
        root.removeFilter(_not_of_py4j)


def _not_of_py4j(record: logging.LogRecord) -> bool:
    return record.module != _OF_PY4J


def _silent(request: Any, client_address: Any) -> None:
    """Say nothing: what hears of Spark's accumulators, of which we have none, ends with Java."""


def _require_java() -> None:
    """Raise FairshardError where Java does not answer: what it gave last may be cut short."""
    assert SparkContext._jvm is not None
    try:
        SparkContext._jvm.System.nanoTime()
    except (Py4JError, OSError) as error:
        raise LostWorkerError(_DEAD) from error


def _stop(context: SparkContext) -> None:
    """Stop Spark; where Java is dead there is nothing to stop."""
    with warnings.catch_warnings(), suppress(OSError):
        warnings.simplefilter("ignore", RuntimeWarning)
        context.stop()


def _told(error: Exception) -> Exception:
    """What ended a job: the sentence of a worker or of Spark; an error in our own code as it is."""
    if not isinstance(error, (PySparkException, Py4JError)):
        return error
    said = str(error)
    if (sentence := error_in(said)) is not None:
        return sentence
    if _OF_PYTHON in said:
        return error
    if _CRASHED in said:
        return LostWorkerError(_WORKERS_DIED)
    found = _OF_JAVA.search(said)
    return FairshardError(f"Spark ended the job: {found[1]}") if found else error


def _retrying(master: str, settings: Mapping[str, str]) -> str:
    """A local master whose tasks are tried as often as a cluster's, unless it says how often."""
    cores = _CORES_ALONE.fullmatch(master)
    attempts = settings.get(_ATTEMPTS, _ATTEMPTS_OF_A_CLUSTER)
    return f"local[{cores[1] or 1},{attempts}]" if cores else master


def _submitted() -> bool:
    """Whether spark-submit started this process, and with it the Java side."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def gives_gpus(context: SparkContext) -> bool:
    """Whether tasks can ask for GPUs; a local master, which has none to give, refuses that."""
    return _IN_ONE_PROCESS.fullmatch(context.master or "") is None


def _is_local(master: str | None) -> bool:
    return master is not None and master.startswith("local")


def _prepare(settings: Mapping[str, str]) -> None:
    """Check for Java, and let Spark's Python workers be this Python, unless told otherwise."""
    if _submitted():
        return
    home = os.environ.get("JAVA_HOME")
    if shutil.which(str(Path(home, "bin", "java")) if home else "java") is None:
        raise FairshardError(
            "Spark needs Java 17 or newer, and none was found: install it (Debian: apt-get install "
            "openjdk-17-jre-headless) or set JAVA_HOME; the beam engine needs none"
        )
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if _is_local(settings.get("spark.master")):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
