"""Devices: each process takes its own GPU, and what is not there is said."""

import subprocess
import sys

import pytest
import torch

from transforms.base.errors import FairshardError
from transforms.recognition import devices
from transforms.recognition.devices import chosen, device_of

_PLACE = (
    "import sys; from transforms.recognition.devices import place_on_machine as place;"
    "print(place(), place(), flush=True); sys.stdin.read()"
)


@pytest.mark.parametrize(
    ("wanted", "gpus", "place", "device"),
    [
        ("auto", 0, 0, "cpu"),
        ("cpu", 4, 1, "cpu"),
        ("auto", 1, 0, "cuda:0"),
        ("auto", 4, 3, "cuda:3"),
        ("cuda", 4, 1, "cuda:1"),
        ("cuda", 4, 6, "cuda:2"),
        ("cuda:2", 4, 1, "cuda:2"),
    ],
)
def test_a_process_has_the_gpu_of_its_place(
    wanted: str, gpus: int, place: int, device: str
) -> None:
    assert chosen(wanted, gpus, place) == device


@pytest.mark.parametrize("wanted", ["cuda", "cuda:0", "cuda:7"])
def test_a_gpu_that_is_not_there_is_said_so(wanted: str) -> None:
    with pytest.raises(FairshardError, match=f"model.device is {wanted} but this machine has no"):
        chosen(wanted, 0, 0)
    if wanted == "cuda:7":
        with pytest.raises(FairshardError, match="is cuda:7 but this machine has 2 CUDA devices"):
            chosen(wanted, 2, 0)


def _process(visible: str) -> tuple[subprocess.Popen[str], int]:
    """A process that sees these GPUs, and the place that it has."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PLACE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"CUDA_VISIBLE_DEVICES": visible},
    )
    assert process.stdout is not None
    first, again = process.stdout.readline().split()
    assert first == again
    return process, int(first)


def test_processes_that_see_the_same_gpus_have_places_of_their_own() -> None:
    """And a place is free again when its process is killed."""
    started = [_process("5,6,7") for _ in range(3)]
    started.append(_process("4"))
    try:
        assert [place for _, place in started] == [0, 1, 2, 0]
        killed = started[1][0]
        killed.kill()
        killed.wait()
        started.append(_process("5,6,7"))
        assert started[-1][1] == 1
    finally:
        for process, _ in started:
            process.kill()
            process.communicate()


def test_only_where_there_are_several_is_a_place_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "place_on_machine", lambda: 5)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for count, device in ((1, "cuda:0"), (4, "cuda:1")):
        monkeypatch.setattr(torch.cuda, "device_count", lambda count=count: count)
        assert device_of("auto") == torch.device(device)
        assert device_of("cuda:0") == torch.device("cuda:0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of("auto") == torch.device("cpu")
