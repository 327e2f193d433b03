"""The proxy of a failing network: it does what it says, and lets all else pass."""

import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.chaos.network import (
    CUT,
    FAULTS,
    REFUSED,
    RESET,
    SLOW,
    STALLED,
    Dice,
    Network,
    network,
)

ASKED, ANSWER = bytes(range(200)), bytes(range(256)) * 2000
CONNECTION, REQUEST, RESPONSE = 1, 2, 3


@dataclass
class Told(Dice):
    """Draws one fault alone, at the chance of that number."""

    kind: str = RESET
    chance: int = CONNECTION

    def fault(self, possible: Sequence[str]) -> str | None:
        self.chances += 1
        return self.kind if self.chances == self.chance else None


@dataclass
class Upstream:
    """A server that answers all requests alike, and what it was asked."""

    address: tuple[str, int]
    asked: list[bytes] = field(default_factory=list)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked = b""
            while len(asked) < len(ASKED) and (part := self.request.recv(len(ASKED))):
                asked += part
            made.asked.append(asked)
            if asked == ASKED:
                self.request.sendall(ANSWER)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A connection that was reset."""

    with Server(("127.0.0.1", 0), Handler) as server:
        made = Upstream(("127.0.0.1", server.server_address[1]))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


@pytest.fixture
def between(upstream: Upstream, tmp_path: Path) -> Iterator[Network]:
    with network(upstream.address, tmp_path / "faults.log") as made:
        yield made


def ask(between: Network, seconds: float = 60.0) -> tuple[bytes, str]:
    """What was answered, and the error that ended it, if any did."""
    answer = b""
    try:
        with socket.create_connection(between.address, seconds) as connection:
            connection.sendall(ASKED)
            while part := connection.recv(2**16):
                answer += part
    except OSError as error:
        return answer, type(error).__name__
    return answer, ""


def test_a_network_lets_all_pass_until_it_is_told_otherwise(between: Network) -> None:
    assert ask(between) == (ANSWER, "")
    between.dice = Dice(1.0)
    assert ask(between) != (ANSWER, "")
    between.calm()
    told = between.faults
    assert [ask(between) for _ in range(5)] == [(ANSWER, "")] * 5
    assert between.faults == told != []


@pytest.mark.parametrize("chance", [CONNECTION, REQUEST, RESPONSE])
def test_a_reset_is_an_error(between: Network, upstream: Upstream, chance: int) -> None:
    between.dice = Told(0.0, kind=RESET, chance=chance)
    answer, error = ask(between)
    assert error == "ConnectionResetError"
    assert answer == ANSWER[: len(answer)] != ANSWER
    between.calm()
    assert ask(between) == (ANSWER, "")
    whole = {CONNECTION: 1, REQUEST: 1, RESPONSE: 2}
    assert upstream.asked.count(ASKED) == whole[chance]
    where = {CONNECTION: "connection", REQUEST: "request", RESPONSE: "response"}
    assert between.faults == [f"reset: a {where[chance]}"]


@pytest.mark.parametrize("chance", [REQUEST, RESPONSE, RESPONSE + 1])
def test_a_cut_is_no_error(between: Network, chance: int) -> None:
    between.dice = Told(0.0, kind=CUT, chance=chance)
    answer, error = ask(between)
    assert (answer == ANSWER[: len(answer)] != ANSWER, error) == (True, "")
    assert bool(answer) == (chance >= RESPONSE)


def test_a_refusal_lasts_for_a_moment(between: Network) -> None:
    between.dice = Dice(1.0, kinds=[REFUSED])
    assert ask(between) == (b"", "ConnectionResetError")
    assert any(ask(between) == (b"", "ConnectionRefusedError") for _ in range(1000))
    between.calm()
    assert ask(between) == (ANSWER, "")


@pytest.mark.parametrize("chance", [CONNECTION, REQUEST, RESPONSE])
def test_a_stall_outlasts_a_clients_patience(between: Network, chance: int) -> None:
    between.dice = Told(0.0, kind=STALLED, chance=chance, stall=1e6)
    assert ask(between, seconds=0.1) == (b"", "TimeoutError")
    between.dice = Told(0.0, kind=STALLED, chance=chance, stall=0.1)
    assert ask(between) == (ANSWER, "")
    assert len(between.faults) == 2


def test_what_is_slow_comes_whole(between: Network, upstream: Upstream) -> None:
    between.dice = Dice(1.0, kinds=[SLOW])
    assert ask(between) == (ANSWER, "")
    assert upstream.asked == [ASKED]
    assert {"slow: a request", "slow: a response"} == {*between.faults}


def test_dice_draw_what_they_are_told_to() -> None:
    drawn = [Dice(0.25, "a").fault(FAULTS) for _ in range(2)]
    assert drawn[0] == drawn[1]
    single, rows = (Dice(0.1, "b", longest=longest) for longest in (1, 9))
    found = [single.fault(FAULTS) for _ in range(4000)]
    assert {*found} == {None, *FAULTS}
    assert found.count(None) == pytest.approx(3600, abs=80)
    longer = [rows.fault([RESET]) for _ in range(4000)]
    assert "r" * 5 in "".join("r" if fault else "." for fault in longer)
    assert Dice(1.0, kinds=[CUT]).fault([REFUSED, RESET]) is None
    late = Dice(1.0, quiet=2)
    assert [late.fault([RESET]) for _ in range(4)] == [None, None, RESET, RESET]
    assert late.chances == 4
