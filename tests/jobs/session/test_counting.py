"""What a run shows of itself, and what is shown of it from outside, is one count."""

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.look import status
from jobs.run import label
from jobs.session.begun import StageBegun
from jobs.session.counting import Count, Records
from jobs.session.progress import Watch
from jobs.session.run_record import recorded
from tests.fixtures import config_of, write_corpus
from tests.inprocess import InProcess
from tests.outputs import finished_output
from tests.runs import SHARDS, during_batch, held, quiet, seen_corpus
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.shards.finding import Shard
from transforms.storage import paths
from transforms.storage.documents import to_json
from transforms.storage.files import Storage, output_storage

RECORD = LabelRecord(Shard("a", "in/a.tar", 1, ""), "s", 20, 3, {}, 1, "", {"total": 2.0})


def test_a_run_shows_of_itself_what_its_status_shows(tmp_path: Path) -> None:
    config = seen_corpus(tmp_path / "in")
    storage = output_storage(config.output)
    watch, shown = Watch(storage, ("label",), SHARDS), []

    def look() -> None:
        watch.poll()
        seen = status.run(storage)["stages"][0]
        shown.append((seen["shards_done"], seen["shards"], seen["samples"]))

    with held(storage), during_batch(3, look), recorded(config, "label", "r1"):
        label.run(config, InProcess(), quiet())
    count = watch.current.count
    assert shown == [(count.shards, count.total, count.samples)] == [(3, SHARDS, 18)]
    assert str(watch.current).startswith("label: 3 of 4 shards, ")
    watch.poll()
    assert watch.current.count == replace(count, shards=4, samples=24)


def test_records_of_all_stages_count_but_for_what_was_seen(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    storage = finished_output(config_of(tmp_path))
    records = Records(storage)
    labels, plan, outputs = (records.counted(stage, {}) for stage in ("label", "solve", "resample"))
    assert [Count.of(found.values(), None).samples for found in (labels, outputs)] == [
        300,
        sum(record.samples for record in outputs.values()),
    ]
    assert [type(found) for found in plan.values()] == [Plan]
    for stage in ("label", "solve", "resample"):
        assert records.counted(stage, records.versions(stage)) == {}


def test_what_is_no_record_counts_once_it_is_one_and_is_then_read_no_more(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    records = Records(storage)
    storage.publish(paths.label_record("a"), b"{")
    assert records.counted("label", {}) == {}
    storage.publish(paths.label_record("a"), to_json(RECORD))
    (first,) = records.counted("label", {}).values()
    (second,) = records.counted("label", {}).values()
    assert first == RECORD
    assert second is first
    storage.delete(paths.label_record("a"))
    assert records.counted("label", {}) == {}


def test_figures_by_hand() -> None:
    """Four of ten shards in 20 s, two of them and 10 samples of an earlier run."""
    count = Count.of([RECORD] * 4, 10, StageBegun(done=2, samples=10))
    assert (count.shards, count.samples, count.rejected) == (4, 80, 12)
    assert count.rate(20.0) == pytest.approx(70 / 20)
    assert count.seconds_left(20.0) == pytest.approx(20 * 6 / 2)
    assert replace(count, total=None).seconds_left(20.0) is None
    assert Count.of([RECORD] * 2, 10, StageBegun(done=2)).rate(20.0) is None
