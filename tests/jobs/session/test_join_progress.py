"""How far labelling is where tables are joined: reading, then each step, from files alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from jobs.look import status
from jobs.session.join_progress import JoinProgress
from jobs.session.run_record import record
from tests.joined import told_by, write_told_corpus
from tests.runs import held
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.records import LabelRecord
from transforms.shards.inputs import input_shards
from transforms.shards.parts import parts_of
from transforms.stages.labelling import JoinResult, JoinTask, join, joined_records, labelling_of
from transforms.stages.tasks import gather_parts, label_part
from transforms.storage import paths
from transforms.storage.files import output_storage

LINES = [
    "reading shards, 1 of 4",
    "reading shards, 2 of 4",
    "reading shards, 3 of 4",
    "reading shards, 4 of 4",
    "bringing tables into hash buckets, 0 of 1",
    "bringing tables into hash buckets, 1 of 1",
    "bringing keys of samples into hash buckets, 0 of 2",
    "bringing keys of samples into hash buckets, 1 of 2",
    "bringing keys of samples into hash buckets, 2 of 2",
    "matching samples with rows of tables, 0 of 1",
    "matching samples with rows of tables, 1 of 1",
]


def followed(config: Config) -> Iterator[str]:
    """What is said after each shard and each task."""
    shards, storage = input_shards(config), output_storage(config.output)
    progress, labelling = JoinProgress(storage, len(shards)), labelling_of(config, shards)
    lines: list[str] = []

    def told() -> None:
        progress.poll()
        if progress.line not in lines:
            lines.append(progress.line)

    def labelled() -> Iterator[LabelRecord]:
        labeller = Labeller(config)
        for shard in shards:
            parts = [
                label_part(p, labelling, config, lambda: labeller)
                for p in parts_of(shard, config.input)
            ]
            yield gather_parts(shard, parts, labelling, config)
            told()

    def each(tasks: Sequence[JoinTask]) -> Iterator[JoinResult]:
        for task in tasks:
            told()
            yield join(task, labelling, config)
            told()

    joined_records(list(labelled()), labelling, config, each)
    assert not storage.exists(paths.JOINING)
    yield from lines


def test_every_step_is_told(tmp_path: Path) -> None:
    write_told_corpus(tmp_path, samples=40)
    assert list(followed(told_by(tmp_path, "uid", "out"))) == LINES


def test_status_tells_of_a_step_of_a_run_that_goes_on(tmp_path: Path) -> None:
    write_told_corpus(tmp_path, samples=40)
    config = told_by(tmp_path, "uid", "out")
    storage = output_storage(config.output)
    seen: list[object] = []

    def each(tasks: Sequence[JoinTask]) -> Iterator[JoinResult]:
        for task in tasks:
            with held(storage):
                seen.append(status.run(storage).get("joining"))
            yield join(task, labelling, config)

    shards = input_shards(config)
    labelling, labeller = labelling_of(config, shards), Labeller(config)
    record(storage, stage="label", started="2020-01-01T00:00:00.000+00:00", command="label")
    records = [labeller.label(shard, storage) for shard in shards]
    joined_records(records, labelling, config, each)
    assert {"doing": "matching samples with rows of tables", "done": 0, "total": 1} in seen
