"""The services of a local Beam run, on Unix sockets in a folder that only its user can enter.

Beam's own listen on every network interface, ask nobody who they are, and serve any file.
"""

import shutil
import tempfile
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker.data_plane import BeamFnDataServicer, _GrpcDataChannel
from apache_beam.utils.thread_pool_executor import shared_unbounded_instance

from transforms.base.errors import FairshardError

_LOST = "the connection to the worker is lost"
_LONGEST_PATH = 100  # of a socket: 107 bytes on Linux, 103 on macOS
_LONGEST_NAME = "/fairshard-beam-12345678/control"
_GRACE_SECONDS = 5.0
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
]


@contextmanager
def socket_folder() -> Iterator[Path]:
    """A folder for sockets, of this user alone; removed after the block."""
    places = [tempfile.gettempdir(), "/tmp"]
    place = next((place for place in places if _is_for_sockets(place)), None)
    if place is None:
        raise FairshardError(
            f"the temporary folder {places[0]} is not for the sockets of a local Beam run: set "
            f"TMPDIR to a path of at most {_LONGEST_PATH - len(_LONGEST_NAME)} bytes, no comma "
            "among them"
        )
    folder = Path(tempfile.mkdtemp(prefix="fairshard-beam-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Services:
    """What Beam calls its GrpcServer: control, data and state, each on a socket of its name.

    There is no artifact service, as workers stage no files, and none for logs, which nobody reads.
    """

    control_port, data_port, state_port = "control", "data", "state"

    def __init__(self, workers: worker_handlers.WorkerHandlerManager, folder: Path) -> None:
        self._folder = folder
        self.control_handler = _Control(workers)
        self.data_plane_handler = _Data()
        self._server = grpc.server(shared_unbounded_instance(), options=_OPTIONS)
        beam_fn_api_pb2_grpc.add_BeamFnControlServicer_to_server(self.control_handler, self._server)
        beam_fn_api_pb2_grpc.add_BeamFnDataServicer_to_server(self.data_plane_handler, self._server)
        beam_fn_api_pb2_grpc.add_BeamFnStateServicer_to_server(
            worker_handlers.GrpcStateServicer(workers.state_servicer), self._server
        )
        try:
            for name in (self.control_port, self.data_port, self.state_port):
                self._server.add_insecure_port(self.address(name))
        except RuntimeError as error:
            raise FairshardError(
                f"no socket can be made in {folder} for a local Beam run: set TMPDIR to a folder "
                "on a local disk"
            ) from error
        self._server.start()

    def address(self, name: str) -> str:
        """Where the service of a name is, as gRPC spells it."""
        return f"unix:{quote(str(self._folder / name))}"

    def close(self) -> None:
        """End the services; a worker that is still connected is connected no more."""
        self.control_handler.end()
        self._server.stop(_GRACE_SECONDS).wait()


class Connection(worker_handlers.ControlConnection):
    """A worker's control connection; once it is lost, all that is asked of the worker fails.

    Beam's own waits for the answers of a dead worker forever.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lost = False

    @property
    def made(self) -> bool:
        """Whether the worker has come, and nobody has closed the connection."""
        return bool(self._state == worker_handlers.BeamFnControlServicer.STARTED_STATE)

    def push(self, request: Any) -> Any:
        """Ask the worker something; the answer to come."""
        answer = super().push(request)
        if self._lost:
            self._fail()
        return answer

    def lose(self) -> None:
        """Have everything asked of the worker fail, and all that will be."""
        self._lost = True
        self._fail()
        super().push(worker_handlers.BeamFnControlServicer._DONE_MARKER)

    def _read(self) -> None:
        with suppress(grpc.RpcError, KeyError):  # the answer to what has failed already
            super()._read()
        self.lose()

    def _fail(self) -> None:
        for name in list(self._futures_by_id):
            if (answer := self._futures_by_id.pop(name, None)) is not None:
                failed = beam_fn_api_pb2.InstructionResponse(instruction_id=name, error=_LOST)
                answer.set(failed)


class _Control(worker_handlers.BeamFnControlServicer):
    def __init__(self, workers: worker_handlers.WorkerHandlerManager) -> None:
        super().__init__(workers)
        self._connections_by_worker_id = defaultdict(Connection)

    def end(self) -> None:
        """Wait for no worker any more."""
        for connection in self._connections_by_worker_id.values():
            cast(Connection, connection).lose()
        self.done()


class _Data(BeamFnDataServicer):
    def __init__(self) -> None:
        milliseconds = worker_handlers.DATA_BUFFER_TIME_LIMIT_MS
        super().__init__(milliseconds)
        self._connections_by_worker_id = defaultdict(lambda: Channel(milliseconds))


class Channel(_GrpcDataChannel):
    """A worker's data, which ends with the worker; what is sent to it after that is thrown away."""

    def __init__(self, milliseconds: int) -> None:
        super().__init__(milliseconds)
        self._lost = False

    def lose(self) -> None:
        """Take what is sent: Beam's own waits, once its queue is full, for the worker."""
        if self._lost:
            return
        self._lost = True
        threading.Thread(target=deque, args=(self._write_outputs(), 0), daemon=True).start()

    def _read_inputs(self, elements: Iterable[beam_fn_api_pb2.Elements]) -> None:
        super()._read_inputs(_while_there(elements))


def _while_there(elements: Iterable[Any]) -> Iterator[Any]:
    with suppress(grpc.RpcError):
        yield from elements


def _is_for_sockets(place: str) -> bool:
    """Whether gRPC, to which a comma ends an address, can have sockets there."""
    return "," not in place and len(f"{place}{_LONGEST_NAME}".encode()) <= _LONGEST_PATH
