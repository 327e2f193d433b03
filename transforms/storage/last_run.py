"""What is on file of the last run in an output."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from transforms.storage import paths
from transforms.storage.documents import Finite, Instant, found
from transforms.storage.files import Storage


class _LastRun(TypedDict, total=False):
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    run: str
    command: str
    engine: str
    started: Instant
    finished: Instant | None
    error: str | None
    stage: str
    began: dict[str, Finite]
    stages: dict[str, Finite]
    spans: dict[str, Annotated[list[Finite], Field(min_length=2, max_length=2)]]


_LAST_RUN = TypeAdapter(_LastRun)


def read_run(storage: Storage) -> dict[str, Any]:
    """What is on file of the last run: its id, command, engine, times and seconds of stages.

    Nothing where there was none, or where the file cannot be read, which is said.
    """
    lost = "nothing is known of the last run; the next one writes it again"
    run = found(storage, paths.RUN, _LAST_RUN, lost)
    return {**run} if run else {}
