"""A run killed at any task of joining tables: the next one goes on, to the same bytes."""

import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from jobs.run import label
from tests.inprocess import InProcess
from tests.joined import told_by, write_told_corpus
from tests.runs import quiet
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.records import LabelRecord
from transforms.shards.finding import Shard
from transforms.shards.parts import parts_of
from transforms.stages.labelling import (
    JoinResult,
    JoinTask,
    join,
    joined_records,
    labelling_of,
)
from transforms.stages.tasks import gather_parts, label_part


class DyingAtJoin(InProcess):
    """Dies as a task of joining begins, or once it is done, of the number `at`."""

    def __init__(self, at: int, done: bool) -> None:
        self.at, self.done = at, done
        self.tasks: list[JoinTask] = []

    def _labelled(self, config: Config, shards: Sequence[Shard]) -> list[LabelRecord]:
        labelling, labeller = labelling_of(config, shards), cache(lambda: Labeller(config))
        records = []
        for shard in shards:
            parts = [
                label_part(p, labelling, config, labeller) for p in parts_of(shard, config.input)
            ]
            records.append(gather_parts(shard, parts, labelling, config))

        def each(tasks: Sequence[JoinTask]) -> Iterator[JoinResult]:
            for task in tasks:
                self.tasks.append(task)
                dies = len(self.tasks) - 1 == self.at
                if dies and not self.done:
                    raise KeyboardInterrupt
                yield join(task, labelling, config)
                if dies:
                    raise KeyboardInterrupt

        return joined_records(records, labelling, config, each)


def made(folder: Path) -> dict[str, bytes]:
    """The label tables and rejects of an output."""
    files = [path for part in ("labels", "rejects") for path in (folder / part).iterdir()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(files)}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus and its tables."""
    folder = tmp_path_factory.mktemp("corpus")
    write_told_corpus(folder, samples=60)
    return folder


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("way", ["uid", "boxes", "shards"])
def test_a_run_killed_at_any_task_goes_on(
    corpus: Path, tmp_path: Path, way: str, done: bool
) -> None:
    def config(output: str) -> Config:
        return told_by(corpus, way, str(tmp_path / output))

    whole = DyingAtJoin(-1, done)
    label.run(config("whole"), whole, quiet())
    expected = made(tmp_path / "whole")
    assert len({type(task) for task in whole.tasks}) == (3 if way == "shards" else 4)
    for at in range(len(whole.tasks)):
        with pytest.raises(KeyboardInterrupt):
            label.run(config("killed"), DyingAtJoin(at, done), quiet())
        read = {
            path: path.stat().st_mtime_ns for path in (tmp_path / "killed/recognised").iterdir()
        }
        again = DyingAtJoin(-1, done)
        label.run(config("killed"), again, quiet())
        assert made(tmp_path / "killed") == expected
        assert read == {path: path.stat().st_mtime_ns for path in read}
        assert not [*(tmp_path / "killed/joins").iterdir()]
        shutil.rmtree(tmp_path / "killed")
