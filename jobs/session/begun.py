"""How far the stages of an output were when they last began, as a file."""

import json
from typing import Literal

from pydantic import Field, TypeAdapter

from transforms.resampling.manifest import Packing
from transforms.storage import paths
from transforms.storage.documents import Count, Document, found
from transforms.storage.files import Storage


class StageBegun(Document):
    """A stage as it began: its shards in all, those that were done and their samples; `seen` are
    the versions of records that were stale.
    """

    total: Count | None = None
    done: Count = 0
    samples: Count = 0
    seen: dict[str, str] = Field(default_factory=dict)


class WorkFile(Document):
    """work.json: the stages as they last began, and how output shards were to be packed.

    form: the version of the file's own form.
    """

    form: Literal[1] = 1
    stages: dict[str, StageBegun] = Field(default_factory=dict)
    packing: Packing | None = None

    def to_json(self) -> bytes:
        """JSON for people."""
        return f"{json.dumps(self.to_dict(), indent=1)}\n".encode()


_FORM = TypeAdapter(WorkFile)


def read_begun(storage: Storage) -> WorkFile:
    """How far the stages were when they last began; nothing where none has.

    Nor where the file cannot be read, which is said.
    """
    lost = "how far the last run was is not known; the next one writes it again"
    return found(storage, paths.WORK, _FORM, lost) or WorkFile()
