"""How far a step of joining tables is: a note of its tasks on file, and what they have written."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import TypeAdapter

from transforms.storage import paths
from transforms.storage.documents import Count, Document, Instant, parsed
from transforms.storage.files import Storage
from transforms.tables.tasks import MatchTask, RowTask, SampleTask, ShardMatchTask, Task


class JoinNote(Document):
    """done/joining.json: what a step does, and which files of a folder tell how far it is.

    form: the version of the file's own form.
    """

    form: Literal[1] = 1
    doing: str
    folder: str
    patterns: tuple[str, ...]
    total: Count
    since: Instant

    def done(self, storage: Storage) -> int:
        """How many of its files there are."""
        names = storage.names(self.folder)
        return sum(any(fnmatchcase(name, one) for one in self.patterns) for name in names)


_NOTE = TypeAdapter(JoinNote)


def note_step(tasks: Sequence[Task], storage: Storage) -> None:
    """Put on file what the tasks of a step are about to do; nothing where there are none."""
    patterns: dict[str, None] = {}
    total, doing, folder = 0, "", paths.JOINS
    for task in tasks:
        match task:
            case RowTask(part=None):
                continue
            case RowTask():
                doing, folder = "bringing tables into hash buckets", paths.TABLES
                patterns[f"{task.digest}-?????.json"] = None
                total += 1
            case SampleTask():
                doing = "bringing keys of samples into hash buckets"
                patterns[f"{task.join}-*-samples-*"] = None
                total += len(task.buckets)
            case MatchTask() | ShardMatchTask():
                doing = "matching samples with rows of tables"
                patterns[f"{task.join}-*-matches-*"] = None
                total += 1
    if not total:
        return
    since = datetime.now(UTC).isoformat(timespec="milliseconds")
    note = JoinNote(
        form=1, doing=doing, folder=folder, patterns=tuple(patterns), total=total, since=since
    )
    storage.publish(paths.JOINING, f"{json.dumps(note.to_dict(), indent=1)}\n".encode())


def noted_step(storage: Storage) -> JoinNote | None:
    """The step that was noted last; None where there is none, or it is not of its form."""
    content = storage.find(paths.JOINING)
    try:
        return None if content is None else parsed(content, _NOTE)
    except ValueError:
        return None
