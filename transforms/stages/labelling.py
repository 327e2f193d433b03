"""What the label stage makes of shards, told once, and the steps by which tables are joined.

Steps come one after another: the tasks of each follow from the results of those before, and an
engine does them anywhere, in any order. The last one gives the records of labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from transforms.base.errors import StaleError
from transforms.config.sections import Config
from transforms.labels.joining import Joiner, read_recognised
from transforms.labels.labelling import layer_of
from transforms.labels.layers import LABELS, Layer
from transforms.labels.matches import keep_matches
from transforms.labels.records import LabelRecord, finished
from transforms.labels.settings import joins_tables, settings_digest
from transforms.recognition import settings as recognition
from transforms.shards.finding import Shard
from transforms.shards.naming import file_stem
from transforms.stages.join_notes import note_step
from transforms.stages.registrations import load_registrations
from transforms.storage import paths
from transforms.storage.attempts import attempting
from transforms.storage.concurrent import at_once
from transforms.storage.files import Storage, output_storage
from transforms.tables import joining
from transforms.tables.sources import rows_of
from transforms.tables.tasks import (
    MatchTask,
    Result,
    RowTask,
    SampleTable,
    SampleTask,
    ShardGroup,
    ShardMatchTask,
    Task,
)

STEPS = joining.PHASES + 1


@dataclass(frozen=True)
class Labelling:
    """What is made of shards: tables of a `layer` and of `settings`.

    joined: the settings of the labels that tables are joined to make; "" where none are joined, or
    all labels are there.
    """

    settings: str
    layer: Layer
    joined: str = ""

    def require_to_make(self, shard: Shard, config: Config) -> None:
        """Raise StaleError where the labels of `shard` were there, and are no more."""
        if self.layer != layer_of(config):
            raise StaleError(
                f"the labels of the shard {shard.name} were removed while the run went on: run the "
                "same command again"
            )


@dataclass(frozen=True)
class FinishTask:
    """A group of shards whose samples are matched, with the records of what is recognised."""

    group: ShardGroup
    records: tuple[LabelRecord, ...]


@dataclass(frozen=True)
class Finished:
    """The records of the labels of a group of shards."""

    records: tuple[LabelRecord, ...]


JoinTask = Task | FinishTask
JoinResult = Result | Finished


def labelling_of(config: Config, shards: Iterable[Shard]) -> Labelling:
    """What is to be made of all `shards`; to be asked once, where the run begins.

    Raises FairshardError where the files of a table cannot be found.
    """
    load_registrations()
    settings = settings_digest(config)
    if not joins_tables(config):
        return Labelling(settings, LABELS)
    storage = output_storage(config.output)
    if all(at_once(lambda shard: finished(shard, settings, storage) is not None, [*shards])):
        return Labelling(settings, LABELS)
    return Labelling(recognition.settings_digest(config), layer_of(config), settings)


def join_tasks(
    step: int,
    records: Sequence[LabelRecord],
    results: Sequence[JoinResult],
    labelling: Labelling,
    config: Config,
) -> list[JoinTask]:
    """The tasks of a step, by the records of all that is recognised, and by results so far.

    Raises StaleError where tables have changed since the run began.
    """
    load_registrations()
    storage, tables = _storage(config), rows_of(config)
    ordered = sorted(records, key=lambda record: record.shard.name)
    samples = [_sample_table(record) for record in ordered]
    found = [result for result in results if isinstance(result, Result)]
    if step < joining.PHASES:
        tasks = joining.tasks_of(step, tables, samples, found, storage)
        note_step(tasks, output_storage(config.output))
        return [*tasks]
    groups = joining.groups_of(tables, samples, found)
    if settings_digest(config) != labelling.joined:
        raise StaleError(
            "the tables that are joined to the labels changed while the run went on: run the same "
            "command again once nobody writes to them"
        )
    digests = (each.digest for group in groups[:1] for each in group.tables)
    keep_matches(joining.counts_of(found), digests, ordered, labelling.joined, storage)
    by_name = {record.shard.name: record for record in ordered}
    return [
        FinishTask(group, tuple(by_name[shard.name] for shard in group.shards)) for group in groups
    ]


def join(task: JoinTask, labelling: Labelling, config: Config) -> JoinResult:
    """Do a task of a step, or find it done; while it lasts, the attempt is on file."""
    load_registrations()
    storage, tables = _storage(config), rows_of(config)
    with attempting("label", _name_of(task), output_storage(config.output)):
        if not isinstance(task, FinishTask):
            return joining.run(task, tables, partial(read_recognised, storage=storage), storage)
        joiner = Joiner(config, labelling.joined)
        by_name = {record.shard.name: record for record in task.records}
        return Finished(
            tuple(
                joiner.write(by_name[shard.name], found, storage)
                for shard, found in joining.joined(task.group, storage)
            )
        )


def forget_joined(tasks: Iterable[JoinTask], config: Config) -> None:
    """Delete what the steps left between them, of the tasks of the last; tables in buckets stay."""
    groups = [task.group for task in tasks if isinstance(task, FinishTask)]
    joining.forget(groups, _storage(config))
    output_storage(config.output).delete(paths.JOINING)


def joined_records(
    records: Sequence[LabelRecord],
    labelling: Labelling,
    config: Config,
    each: Callable[[Sequence[JoinTask]], Iterable[JoinResult]] | None = None,
) -> list[LabelRecord]:
    """The records of labels, once tables are joined to what is recognised.

    `each` does the tasks of a step elsewhere; they are done here if it is left out. Where none are
    to be joined, they are the `records`.
    """
    if not labelling.joined:
        return [*records]
    results: list[JoinResult] = []
    tasks: Sequence[JoinTask] = ()
    for step in range(STEPS):
        tasks = join_tasks(step, records, results, labelling, config)
        results += each(tasks) if each else (join(task, labelling, config) for task in tasks)
    forget_joined(tasks, config)
    return records_in(results)


def records_in(results: Iterable[JoinResult]) -> list[LabelRecord]:
    """The records of labels among results."""
    found = (result.records for result in results if isinstance(result, Finished))
    return [record for records in found for record in records]


def _name_of(task: JoinTask) -> str:
    """What the attempts at a task are called on file."""
    match task:
        case RowTask():
            return f"{task.table}.rows{task.part or 0}"
        case SampleTask():
            return f"samples{task.group}"
        case MatchTask():
            return f"{task.table}.bucket{task.bucket}"
        case ShardMatchTask():
            return f"{task.table}.shards{task.group}"
        case FinishTask():
            return f"joined{task.group.number}"


def _sample_table(record: LabelRecord) -> SampleTable:
    shard = record.shard
    return SampleTable(shard.name, file_stem(shard.url), record.samples, record.table_digest)


def _storage(config: Config) -> Storage:
    return output_storage(config.output).of_labels
