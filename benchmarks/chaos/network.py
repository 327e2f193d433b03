"""A proxy on loopback: connections are refused, reset, cut, stalled or slowed at random.

A fault is seldom alone: what comes next fails too, for a while, so that some calls fail however
often a client repeats them.
"""

import asyncio
import random
import socket
import struct
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REFUSED = "refused"
RESET = "reset"
CUT = "cut"
STALLED = "stalled"
SLOW = "slow"
_OF_CONNECTIONS = (REFUSED, RESET, STALLED)
_OF_CHUNKS = (RESET, CUT, STALLED, SLOW)
FAULTS = (REFUSED, RESET, CUT, STALLED, SLOW)

_CHUNK_BYTES = 64 * 2**10
_PIECES = 8
_SLOW_SECONDS = 0.01
_REFUSING_SECONDS = 0.2


@dataclass
class Dice:
    """Draws faults for a share of all connections and chunks, in rows of up to `longest`.

    quiet: of so many nothing is drawn at first. stall: the seconds that a stall takes, at most.
    chances: of how many it was drawn.
    """

    share: float
    seed: str = "0"
    longest: int = 1
    stall: float = 0.2
    kinds: Sequence[str] = FAULTS
    quiet: int = 0
    chances: int = 0
    _left: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def fault(self, possible: Sequence[str]) -> str | None:
        """One of the `possible` faults, or none."""
        self.chances += 1
        if self.chances <= self.quiet:
            return None
        if not self._left and self._random.random() < self.share:
            self._left = self._random.randint(1, self.longest)
        kinds = [kind for kind in possible if kind in self.kinds]
        if not self._left or not kinds:
            return None
        self._left -= 1
        return self._random.choice(kinds)

    def seconds(self) -> float:
        """How long a stall lasts."""
        return self._random.uniform(0, self.stall)

    def part_of(self, size: int) -> int:
        """How much of `size` bytes still comes through."""
        return self._random.randrange(size)


class Network:
    """What lies between `url` and an upstream server; `log` gets a line for each fault.

    All passes until `dice` is set to others than those that draw nothing, and again after `calm`.
    """

    def __init__(self, upstream: tuple[str, int], log: Path) -> None:
        self.dice = Dice(0.0)
        self._loop = asyncio.new_event_loop()
        self._listening = asyncio.Event()
        self._upstream = upstream
        self._log = log
        self._reserved = _bound(0)
        self.address: tuple[str, int] = self._reserved.getsockname()
        self.url = f"http://{self.address[0]}:{self.address[1]}"

    @property
    def faults(self) -> list[str]:
        """The lines of the log: the fault, and where it was."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def calm(self) -> None:
        """Let all pass from now on."""
        asyncio.run_coroutine_threadsafe(self._calm(), self._loop).result()

    @contextmanager
    def served(self) -> Iterator[None]:
        """Serve by a thread in the block."""
        serving = self._loop.create_task(self._serve())
        thread = threading.Thread(target=self._run, args=(serving,), daemon=True)
        thread.start()
        self.calm()
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(serving.cancel)
            thread.join()

    def _run(self, serving: asyncio.Task[None]) -> None:
        with closing(self._loop), suppress(asyncio.CancelledError):
            self._loop.run_until_complete(serving)

    async def _calm(self) -> None:
        self.dice = Dice(0.0)
        await self._listening.wait()

    async def _serve(self) -> None:
        """Accept connections until cancelled, but for moments in which nobody listens."""
        with self._reserved:
            async with asyncio.TaskGroup() as served:
                while True:
                    with _bound(self.address[1]) as listener:
                        listener.listen()
                        self._listening.set()
                        await self._accept(listener, served)
                    self._listening.clear()
                    await asyncio.sleep(_REFUSING_SECONDS)

    async def _accept(self, listener: socket.socket, served: asyncio.TaskGroup) -> None:
        """Accept connections until one is to be refused."""
        while True:
            client, _ = await asyncio.get_running_loop().sock_accept(listener)
            fault = self._drawn(_OF_CONNECTIONS, "a connection")
            if fault in (REFUSED, RESET):
                _linger_not(client)
                client.close()
                if fault == REFUSED:
                    return
            else:
                served.create_task(self._connect(client, fault))

    async def _connect(self, client: socket.socket, fault: str | None) -> None:
        with suppress(OSError):
            if fault == STALLED:
                await asyncio.sleep(self.dice.seconds())
            async with (
                _streams(sock=client) as (reader, writer),
                _streams(*self._upstream) as (up_reader, up_writer),
            ):
                pumps = [
                    asyncio.create_task(self._pump(reader, up_writer, writer, "a request")),
                    asyncio.create_task(self._pump(up_reader, writer, writer, "a response")),
                ]
                try:
                    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for pump in pumps:
                        pump.cancel()
                    await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self, source: StreamReader, sink: StreamWriter, client: StreamWriter, what: str
    ) -> None:
        """Hand on what comes, until it ends or a fault ends it."""
        while chunk := await source.read(_CHUNK_BYTES):
            fault = self._drawn(_OF_CHUNKS, what)
            if fault in (RESET, CUT):
                sink.write(chunk[: self.dice.part_of(len(chunk))])
                await sink.drain()
                if fault == RESET:
                    _linger_not(client.get_extra_info("socket"))
                    client.transport.abort()
                return
            if fault == STALLED:
                await asyncio.sleep(self.dice.seconds())
            for piece in _pieces(chunk) if fault == SLOW else [chunk]:
                sink.write(piece)
                await sink.drain()
                if fault == SLOW:
                    await asyncio.sleep(_SLOW_SECONDS)

    def _drawn(self, possible: Sequence[str], what: str) -> str | None:
        fault = self.dice.fault(possible)
        if fault is not None:
            with self._log.open("a") as log:
                log.write(f"{fault}: {what}\n")
        return fault


@contextmanager
def network(upstream: tuple[str, int], log: Path) -> Iterator[Network]:
    """A network before `upstream` (host and port) in the block."""
    made = Network(upstream, log)
    with made.served():
        yield made


def _bound(port: int) -> socket.socket:
    """A socket at a port of loopback (0: any), which may have several such."""
    made = socket.socket()
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    return made


def _linger_not(connection: socket.socket) -> None:
    """Make the connection's end a reset (SO_LINGER of 0 seconds)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@asynccontextmanager
async def _streams(*address: Any, **named: Any) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    reader, writer = await asyncio.open_connection(*address, **named)
    try:
        yield reader, writer
    finally:
        writer.close()


def _pieces(chunk: bytes) -> Iterator[bytes]:
    size = -(-len(chunk) // _PIECES)
    return (chunk[start : start + size] for start in range(0, len(chunk), size))
