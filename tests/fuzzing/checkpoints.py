"""Model files: weights, or a sentence; a pickle in them is never run."""

import io
import os
import pickle
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import torch
from safetensors.torch import load_file
from safetensors.torch import save as safetensors_bytes

from jobs.begin.demo.corpus import MODEL
from transforms.base.errors import FairshardError
from transforms.config.sections import Model
from transforms.recognition.clip import Clip

_FOLDER = Path(mkdtemp(prefix="fairshard-fuzzing-"))
TRACE = _FOLDER / "executed"


class Payload:
    """What a pickle runs where it is loaded: a command that leaves a trace."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(TRACE),)


def seeds() -> list[bytes]:
    """Weights in both formats, and pickles with a payload, plain, in PyTorch's zip, and legacy."""
    weights = load_file(MODEL / "open_clip_model.safetensors")
    few = dict(list(weights.items())[:2])
    return [
        safetensors_bytes(few),
        b"\xff" * 7 + b"\x7f{}",
        _saved(few),
        _saved({"state_dict": Payload()}),
        _saved({**few, "x": Payload()}, zipped=False),
        pickle.dumps(Payload()),
        pickle.dumps(Payload(), protocol=0),
        _zip({"archive/data.pkl": pickle.dumps(Payload(), 2), "archive/version": b"3\n"}),
        _zip({"code/__torch__.py": b"import os", "constants.pkl": pickle.dumps(Payload(), 2)}),
    ]


def check(content: bytes) -> None:
    """Load `content` as the weights in a model's folder, in either format."""
    shutil.copy(MODEL / "open_clip_config.json", _FOLDER)
    for name in ("open_clip_pytorch_model.bin", "open_clip_model.safetensors"):
        path = _FOLDER / name
        path.write_bytes(content)
        with suppress(FairshardError):
            Clip(Model(name=f"local-dir:{_FOLDER}", device="cpu"))
        path.unlink()
        assert not TRACE.exists()


def _saved(value: Any, zipped: bool = True) -> bytes:
    sink = io.BytesIO()
    torch.save(value, sink, _use_new_zipfile_serialization=zipped)
    return sink.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()
