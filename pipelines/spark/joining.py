"""A step of joining tables on Spark; secrets in the URLs of tables and shards stay out of it."""

from collections.abc import Sequence
from dataclasses import replace

from pyspark import SparkContext

from pipelines.spark.elements import collected, each
from pipelines.spark.secrets import Entrusted, entrust, entrusted
from transforms.config.sections import Config
from transforms.stages.labelling import Finished, FinishTask, JoinResult, JoinTask, Labelling, join
from transforms.tables.joining import RowTask


def join_each(
    context: SparkContext, labelling: Labelling, config: Config, tasks: Sequence[JoinTask]
) -> list[JoinResult]:
    """The results of the tasks of a step."""
    shards = [
        record.shard for task in tasks if isinstance(task, FinishTask) for record in task.records
    ]
    files = [file for task in tasks if isinstance(task, RowTask) for file in task.files]
    given = entrust(context, config, shards, [url for file in files for url in file.urls])

    def join_one(hidden: JoinTask) -> JoinResult:
        with entrusted() as known:
            return _hidden_result(join(_shown_task(hidden, known), labelling, known.config), known)

    hidden = [_hidden_task(task, given) for task in tasks]
    results = collected(each(context, hidden).map(join_one), len(tasks))
    return [_shown_result(result, given) for result in results]


def _hidden_task(task: JoinTask, given: Entrusted) -> JoinTask:
    if isinstance(task, FinishTask):
        return replace(task, records=tuple(given.hidden_records(task.records)))
    if isinstance(task, RowTask):
        files = (replace(file, urls=tuple(map(given.hidden_url, file.urls))) for file in task.files)
        return replace(task, files=tuple(files))
    return task


def _shown_task(task: JoinTask, given: Entrusted) -> JoinTask:
    if isinstance(task, FinishTask):
        return replace(task, records=tuple(map(given.shown_record, task.records)))
    if isinstance(task, RowTask):
        files = (replace(file, urls=tuple(map(given.shown_url, file.urls))) for file in task.files)
        return replace(task, files=tuple(files))
    return task


def _hidden_result(result: JoinResult, given: Entrusted) -> JoinResult:
    if isinstance(result, Finished):
        return Finished(tuple(given.hidden_records(result.records)))
    return result


def _shown_result(result: JoinResult, given: Entrusted) -> JoinResult:
    if isinstance(result, Finished):
        return Finished(tuple(map(given.shown_record, result.records)))
    return result
