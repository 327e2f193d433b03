"""Attempts at shards, as files: what is being worked on, where, since when, and what failed."""

import dataclasses
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import TypeAdapter

from transforms.base.errors import FairshardError, kind_of, reason_of
from transforms.storage import paths
from transforms.storage.concurrent import records_in
from transforms.storage.documents import Instant, parsed, to_json
from transforms.storage.files import Storage

_LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt at a shard that has not succeeded: it is going on, has failed, or was killed.

    name: the shard, with its part's number where it has parts. started, ended: times in UTC, as
    ISO 8601; ended and error are None unless it failed, as is the kind of the error, which is not
    known of attempts of old.
    """

    stage: str
    name: str
    host: str
    pid: int
    started: Instant
    ended: Instant | None = None
    error: str | None = None
    kind: str | None = None

    def age(self, now: datetime) -> float:
        """The seconds since it began."""
        return (now - datetime.fromisoformat(self.started)).total_seconds()


@contextmanager
def attempting(stage: str, name: str, storage: Storage) -> Iterator[None]:
    """An attempt in the block: on file while it goes on, removed when it succeeds.

    After an error the file says which. Of two attempts at one shard the file tells of the later.
    """
    path, begun = paths.attempt(stage, name), begin_attempt(stage, name, storage)
    try:
        yield
    except Exception as error:
        reason = reason_of(error, _LONGEST_REASON)
        with suppress(FairshardError):  # what cannot be written must not hide what failed
            failed = dataclasses.replace(begun, ended=_now(), error=reason, kind=kind_of(error))
            storage.publish(path, to_json(failed))
        raise
    storage.delete(path)


def begin_attempt(stage: str, name: str, storage: Storage) -> Attempt:
    """Put on file that an attempt begins here; it goes on as long as the file is there."""
    begun = Attempt(stage, name, platform.node(), os.getpid(), _now())
    storage.publish(paths.attempt(stage, name), to_json(begun))
    return begun


def attempts_at(stage: str, storage: Storage) -> list[Attempt]:
    """The attempts of a stage that are on file, by name; none that has just ended."""
    folder = paths.attempts(stage)
    found = records_in(storage, folder, lambda content: parsed(content, _ATTEMPT))
    return [attempt for attempt in found if attempt.stage == stage and "/" not in attempt.name]


_ATTEMPT = TypeAdapter(Attempt)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
