"""The explanation of a plan: a file of its own, of this plan alone, found after the plan is."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.session.resume import STAGES_OF, work_on
from tests.fixtures import config_of, write_corpus
from tests.outputs import finished_output
from transforms.config.sections import Config
from transforms.feasibility.explanation import REMEDIES
from transforms.plan.explaining import explain
from transforms.plan.explanation_file import explanation_of
from transforms.plan.plan import plan_from, read_plan, write_plan
from transforms.shards.finding import find_shards
from transforms.storage import paths
from transforms.storage.files import Storage

GREEDY = {"eta": 0.9, "max_representation_bias": 0.02, "max_association_bias": 0.05}
OLD = Path(__file__).with_name("plan_of_version_2.json").read_bytes()


@pytest.fixture(name="config")
def greedy(tmp_path: Path) -> Config:
    write_corpus(tmp_path)
    return config_of(tmp_path, balance=GREEDY)


def test_it_is_found_in_steps_and_each_is_on_file(config: Config) -> None:
    """A search that is killed has its plan, and what it found; the next run solves nothing again
    and the next search ends where one that was not killed does.
    """
    storage = finished_output(config)
    plan = read_plan(storage)
    whole = explanation_of(plan, storage)
    assert whole is not None and whole.complete and plan.file.conflict is None
    written = storage.read(paths.EXPLANATION)
    storage.delete(paths.EXPLANATION)
    killed = explain(plan, storage)
    first = next(killed)
    killed.close()
    assert explanation_of(plan, storage) == first and not first.complete
    work = work_on(config, find_shards(config.input), STAGES_OF["rebalance"])
    assert work.plan is not None and work.complete
    *_, last = explain(plan, storage)
    assert last == whole and storage.read(paths.EXPLANATION) == written
    assert list(explain(plan, storage)) == []


def test_that_of_another_plan_is_not_shown(config: Config) -> None:
    storage = finished_output(config)
    plan = read_plan(storage)
    other = replace(plan, file=plan.file.model_copy(update={"mu": plan.file.mu + 1}))
    known = explanation_of(other, storage)
    assert known is not None and known.finding == "open" and known.conflict is None


def test_it_goes_with_the_plan(config: Config) -> None:
    storage = finished_output(config)
    plan, patterns = read_plan(storage), storage.read(paths.PATTERNS)
    table = pq.read_table(pa.BufferReader(patterns))
    write_plan(plan, table, storage)
    assert storage.exists(paths.EXPLANATION)
    other = replace(plan, file=plan.file.model_copy(update={"mu": plan.file.mu + 1}))
    write_plan(other, table, storage)
    assert not storage.exists(paths.EXPLANATION)


def test_a_plan_of_an_earlier_version_has_its_own(tmp_path: Path) -> None:
    plan, storage = plan_from(OLD, "plan.json"), Storage(str(tmp_path))
    known = explanation_of(plan, storage)
    assert known is not None and known.complete and known.sought == REMEDIES
    assert known.conflict == plan.file.conflict
    assert list(explain(plan, storage)) == []


@pytest.mark.parametrize(
    "change",
    [
        b"",
        b"[]",
        b'{"form": 2}',
        b"\xff\xfe",
        {"finding": "attainable"},
        {"finding": "sorcery"},
        {"conflict": None},
        {"sought": ["gold"]},
        {"smallest": "yes"},
        {"conflict": {"constraints": []}},
    ],
    ids=str,
)
def test_what_is_none_is_said_and_found_again(
    config: Config, change: bytes | dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    storage = finished_output(config)
    plan, written = read_plan(storage), storage.read(paths.EXPLANATION)
    if isinstance(change, dict):
        values = json.loads(written)
        for key, value in change.items():
            nested = isinstance(value, dict)
            values[key] = {**values[key], **value} if nested else value  # type: ignore[dict-item]
        change = json.dumps(values).encode()
    storage.publish(paths.EXPLANATION, change)
    known = explanation_of(plan, storage)
    assert known is not None and known.finding == "open"
    assert "explanation.json cannot be read" in caplog.text
    assert "`fairshard why` finds it again" in caplog.text
    for _ in explain(plan, storage):
        pass
    assert storage.read(paths.EXPLANATION) == written


def test_names_that_are_not_the_plans_are_found_again(config: Config) -> None:
    storage = finished_output(config)
    plan, written = read_plan(storage), storage.read(paths.EXPLANATION)
    values = json.loads(written)
    values["conflict"]["constraints"] = ["share of \u001b[31mnobody"]
    storage.publish(paths.EXPLANATION, json.dumps({**values, "sought": []}).encode())
    *_, last = explain(plan, storage)
    assert last.conflict is not None
    assert list(last.conflict.constraints) == json.loads(written)["conflict"]["constraints"]


def test_a_search_that_cannot_write_does_not_fail_the_run(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = Path(config.output.url, "attempts", "solve")
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file")
    storage = finished_output(config)
    assert storage.exists(paths.MANIFEST) and read_plan(storage).file.missed
    assert "why something is missed could not be looked for" in caplog.text
