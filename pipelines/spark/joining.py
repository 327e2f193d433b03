"""A step of joining tables on Spark; secrets in the URLs of tables and shards stay out of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from pyspark import SparkContext

from pipelines.spark.elements import collected, each
from pipelines.spark.secrets import Entrusted, entrust, entrusted
from transforms.config.sections import Config
from transforms.stages.labelling import Finished, FinishTask, JoinResult, JoinTask, Labelling, join
from transforms.tables.rows import RowFile
from transforms.tables.tasks import RowTask, ShardMatchTask


def join_each(
    context: SparkContext, labelling: Labelling, config: Config, tasks: Sequence[JoinTask]
) -> list[JoinResult]:
    """The results of the tasks of a step."""
    shards = [
        record.shard for task in tasks if isinstance(task, FinishTask) for record in task.records
    ]
    urls = [url for task in tasks for file in _files_of(task) for url in file.urls]
    given = entrust(context, config, shards, urls)

    def join_one(hidden: JoinTask) -> JoinResult:
        with entrusted() as known:
            return _hidden_result(join(_shown_task(hidden, known), labelling, known.config), known)

    hidden = [_hidden_task(task, given) for task in tasks]
    results = collected(each(context, hidden).map(join_one), len(tasks))
    return [_shown_result(result, given) for result in results]


def _hidden_task(task: JoinTask, given: Entrusted) -> JoinTask:
    if isinstance(task, FinishTask):
        return replace(task, records=tuple(given.hidden_records(task.records)))
    return _with_urls(task, given.hidden_url)


def _shown_task(task: JoinTask, given: Entrusted) -> JoinTask:
    if isinstance(task, FinishTask):
        return replace(task, records=tuple(map(given.shown_record, task.records)))
    return _with_urls(task, given.shown_url)


def _files_of(task: JoinTask) -> Iterable[RowFile]:
    match task:
        case RowTask():
            return task.files
        case ShardMatchTask():
            return (file for files in task.files for file in files)
        case _:
            return ()


def _with_urls(task: JoinTask, changed: Callable[[str], str]) -> JoinTask:
    """A task whose files have their URLs `changed`."""

    def of(files: Iterable[RowFile]) -> tuple[RowFile, ...]:
        return tuple(replace(file, urls=tuple(map(changed, file.urls))) for file in files)

    match task:
        case RowTask():
            return replace(task, files=of(task.files))
        case ShardMatchTask():
            return replace(task, files=tuple(map(of, task.files)))
        case _:
            return task


def _hidden_result(result: JoinResult, given: Entrusted) -> JoinResult:
    if isinstance(result, Finished):
        return Finished(tuple(given.hidden_records(result.records)))
    return result


def _shown_result(result: JoinResult, given: Entrusted) -> JoinResult:
    if isinstance(result, Finished):
        return Finished(tuple(map(given.shown_record, result.records)))
    return result
