"""Artefacts to start from: those of a small output, made by the stages themselves."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import fsspec

from tests.fixtures import write_corpus
from tests.outputs import config_for, finished_output
from transforms.storage.files import Storage

STORAGE = Storage("memory://fuzz")
CONFIG = {
    "attributes": {
        "gender": {
            "names": {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")},
        }
    },
    "labels": {"thing": {"field": "words", "names": ["doctor", "tie"]}},
    "balance": {"eta": 0.3, "max_representation_bias": 0.1, "max_association_bias": 0.2},
}


@cache
def artefacts() -> dict[str, bytes]:
    """The files of an output folder, by name."""
    with TemporaryDirectory() as folder:
        write_corpus(Path(folder), samples=60, shards=1)
        finished_output(config_for(Path(folder), **CONFIG))
        out = Path(folder) / "out"
        files = (path for path in out.rglob("*") if path.is_file())
        return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def put(name: str, content: bytes) -> None:
    """Let the file `name` of STORAGE hold `content`."""
    fsspec.filesystem("memory").pipe_file(f"/fuzz/{name}", content)
