"""What a model runs on: of the GPUs that a process sees, one of its own."""

import os
import socket
from functools import cache

import torch

from transforms.base.errors import FairshardError

_ANY_GPU = ("auto", "cuda")
_MOST_PLACES = 1024


def device_of(wanted: str) -> torch.device:
    """The device of `model.device`; FairshardError where it is a GPU that is not there.

    Of several GPUs, `auto` and `cuda` are the one after that of the process before.
    """
    if not torch.cuda.is_available():
        return torch.device(chosen(wanted, 0, 0))
    count = torch.cuda.device_count()
    place = place_on_machine() if wanted in _ANY_GPU and count > 1 else 0
    return torch.device(chosen(wanted, count, place))


def chosen(wanted: str, gpus: int, place: int) -> str:
    """The device that `wanted` is for the process in this place, where it sees so many GPUs."""
    if wanted.startswith("cuda") and not gpus:
        raise FairshardError(
            f"model.device is {wanted} but this machine has no CUDA device: set model.device to "
            "auto or cpu, or run where there is a GPU"
        )
    number = int(wanted.partition(":")[2] or 0)
    if number >= max(gpus, 1):
        raise FairshardError(
            f"model.device is {wanted} but this machine has {gpus} CUDA devices, from cuda:0 on: "
            "set model.device to auto or one of them"
        )
    if not gpus or wanted not in _ANY_GPU:
        return "cpu" if wanted == "auto" else wanted
    return f"cuda:{place % gpus}"


@cache
def place_on_machine() -> int:
    """The first place, from 0 on, that no other process of this machine has that sees these GPUs.

    It is kept until the process ends, however it does: a name that sockets have without a file.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = (f"\0fairshard-gpu-{os.getuid()}-{visible[:40]}-{n}" for n in range(_MOST_PLACES))
    return next((place for place, name in enumerate(names) if _taken(name)), 0)


def _taken(name: str) -> bool:
    """Whether this process now has the name, which one process alone can have."""
    held = socket.socket(socket.AF_UNIX)
    try:
        held.bind(name)
    except OSError:
        held.close()
        return False
    held.detach()
    return True
