"""Beam's local runner, with processes of our own as its workers."""

import sys
import threading
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any, cast

from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    GrpcWorkerHandler,
    StateServicer,
    WorkerHandlerManager,
)

from pipelines.beam.local_services import Channel, Connection, Services, socket_folder
from pipelines.beam.worker_process import WorkerProcess
from transforms.base.errors import LostWorkerError, error_in


class LocalRunner(FnApiRunner):
    """Runs a pipeline in worker processes, which reach it on sockets of this user alone.

    The death of a worker is a LostWorkerError.
    """

    def run_stages(self, stage_context: Any, stages: Any) -> Any:
        """Run the stages of a pipeline."""
        deaths: list[str] = []
        with socket_folder() as folder:
            workers = partial(_Workers, folder=folder, deaths=deaths)
            run = _with_names(FnApiRunner.run_stages, WorkerHandlerManager=workers)
            try:
                return run(self, stage_context, stages)
            except Exception as error:
                if deaths and error_in(str(error)) is None:
                    raise LostWorkerError(deaths[0]) from None
                raise


class _Worker(GrpcWorkerHandler):
    """A worker as Beam sees it: three connections, whatever is at their other end."""

    def __init__(self, state: StateServicer, provision_info: Any, services: Services) -> None:
        self._services = services
        super().__init__(state, provision_info, cast(Any, services))
        self._control = cast(Connection, self.control_conn)
        self._data = cast(Channel, self.data_conn)
        self.process: WorkerProcess | None = None

    def port_from_worker(self, port: Any) -> str:
        """Where a worker finds what Beam takes for a port."""
        return self._services.address(port)

    def kill(self) -> None:
        """End it now; what it was asked fails."""
        if self.process is not None:
            self.process.kill()
        self._control.lose()
        self._data.lose()

    def close(self) -> None:
        """End it when it has done what it was asked; at once where it has not come yet."""
        if self.process is not None:
            self.process.expect_end()
        if not self._control.made:
            self.kill()
        super().close()

    def stop_worker(self) -> None:
        """Wait for its end."""
        if self.process is not None:
            self.process.wait()


class _Workers(WorkerHandlerManager):
    """The workers of a run, in every environment; `deaths` are told of those that died.

    Beam would wait for the others: they end with the first, those included that start after it.
    """

    def __init__(self, *given: Any, folder: Path, deaths: list[str]) -> None:
        super().__init__(*given)
        self._folder = folder
        self._deaths = deaths
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        self._services = Services(self, folder)

    def get_worker_handlers(self, environment_id: Any, num_workers: int) -> list[_Worker]:
        """So many workers, those started that are not there yet."""
        with self._lock:
            while len(self._workers) < num_workers:
                worker = _Worker(self.state_servicer, self._job_provision_info, self._services)
                self._workers.append(worker)
                self._start(worker)
            return self._workers[:num_workers]

    def close_all(self) -> None:
        """End the workers, without waiting for what they do where the run has failed."""
        try:
            if sys.exception() is not None:
                self._kill()
            for worker in self._workers:
                worker.close()
        except BaseException:  # Control-C while they end
            self._kill()
            raise
        finally:
            self._services.close()

    def _start(self, worker: _Worker) -> None:
        if self._deaths:
            worker.kill()
        else:
            worker.process = WorkerProcess(
                worker.worker_id, worker.control_address, self._folder, self._died
            )

    def _died(self, sentence: str) -> None:
        with self._lock:
            self._deaths.append(sentence)
            self._kill()

    def _kill(self) -> None:
        for worker in self._workers:
            worker.kill()


def _with_names(function: Any, **names: Any) -> Any:
    """`function` as it is, but for what it finds under `names` in its module."""
    return FunctionType(function.__code__, {**function.__globals__, **names})
