"""What is kept of a run: its id, command, times and end, then its metrics and telemetry."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from jobs.session.telemetry import collector_of
from transforms.base.errors import FairshardError, kind_of
from transforms.base.logs import LOGGER, event
from transforms.base.redaction import redacted, redacted_values
from transforms.config.sections import Config
from transforms.outcome.run_metrics import run_metrics, run_text
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage
from transforms.storage.last_run import INTERRUPTED, read_run


def record(storage: Storage, **values: Any) -> None:
    """Put `values` into what is on file of the last run."""
    merged = redacted_values({**read_run(storage).to_dict(), **values})
    storage.publish(paths.RUN, f"{json.dumps(merged, indent=1)}\n".encode())


@contextmanager
def recorded(config: Config, command: str, run: str) -> Iterator[dict[str, Any]]:
    """A run in the block: its start, its end or error on file, then `metrics.prom`, then telemetry.

    What the block puts into the mapping that it is given goes on file with the end of the run.
    What cannot be measured or told afterwards is a warning: the run has ended by then.
    """
    storage, collector = output_storage(config.output), collector_of(config.telemetry)
    begun = {"run": run, "command": command, "engine": config.engine.name, "started": now()}
    record(storage, **begun, finished=None, error=None, kind=None, met=None)
    event("run started", command=command, engine=config.engine.name, output=storage.url)
    ending: dict[str, Any] = {}
    try:
        yield ending
    except KeyboardInterrupt:
        _record_end(storage, run, error=INTERRUPTED)
        raise
    except Exception as error:
        with suppress(FairshardError):  # what cannot be written must not hide what failed
            said = str(error) or type(error).__name__
            _record_end(storage, run, error=said, kind=kind_of(error))
        _tell(storage, collector)
        raise
    _record_end(storage, run, **ending)
    _tell(storage, collector)
    event("run finished", command=command, seconds=_seconds(begun["started"], now()), **ending)


@contextmanager
def interruptible() -> Iterator[None]:
    """Control-C in the block is answered with what to do next."""
    try:
        yield
    except KeyboardInterrupt:
        event("interrupted; run the same command again to go on", logging.ERROR)
        raise


def now() -> str:
    """The time, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _record_end(storage: Storage, run: str, **values: Any) -> None:
    """Put the end of `run` on file, unless another run has begun there since."""
    if read_run(storage).run == run:
        record(storage, finished=now(), **values)


def _tell(storage: Storage, collector: Any) -> None:
    try:
        metrics = run_metrics(storage)
        storage.publish(paths.PROMETHEUS, run_text(metrics, storage).encode())
        if collector is not None:
            collector.send(redacted(storage.url), read_run(storage), metrics)
    except Exception as error:  # whatever it is, the run itself has ended
        LOGGER.warning("the run's metrics could not be written: %s", error)


def _seconds(started: str, finished: str) -> float:
    return (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()
