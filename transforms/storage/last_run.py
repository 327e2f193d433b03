"""What is on file of the last run in an output."""

from pydantic import ConfigDict, Field, TypeAdapter

from transforms.storage import paths
from transforms.storage.documents import Document, Finite, Instant, found
from transforms.storage.files import Storage

INTERRUPTED = "interrupted"


class LastRun(Document):
    """The last run: its id, command and engine, when it started and ended, and with which error.

    kind: the kind of the error (transforms/base/errors.py), where it is on file with it.
    met: whether what it made is what was asked for, None where it made neither plan nor output.
    stage is the one that it is or was in; began, in seconds since 1970, when each did; stages how
    many seconds each took, spans from when to when. What is not on file has its default.
    """

    model_config = ConfigDict(extra="allow")

    run: str | None = None
    command: str | None = None
    engine: str | None = None
    started: Instant | None = None
    finished: Instant | None = None
    error: str | None = None
    kind: str | None = None
    met: bool | None = None
    stage: str | None = None
    began: dict[str, Finite] = Field(default_factory=dict)
    stages: dict[str, Finite] = Field(default_factory=dict)
    spans: dict[str, tuple[Finite, Finite]] = Field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether anything is on file."""
        return bool(self.model_fields_set)


_FORM = TypeAdapter(LastRun)


def read_run(storage: Storage) -> LastRun:
    """What is on file of the last run.

    Nothing where there was none, or where the file cannot be read, which is said.
    """
    lost = "nothing is known of the last run; the next one writes it again"
    return found(storage, paths.RUN, _FORM, lost) or LastRun()
