"""Plan, resampling and manifest on real label tables, without an engine."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import config_of, members_of, read_members, write_corpus, write_tar
from transforms.base.errors import FairshardError, StaleError
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.records import LabelRecord
from transforms.plan.fingerprint import check_fits, fingerprint
from transforms.plan.make import make_plan
from transforms.plan.plan import read_histogram, read_plan, write_plan
from transforms.resampling.drawing import draw, keep_shard
from transforms.resampling.manifest import Manifest, read_manifest
from transforms.resampling.packing import Kept, capacity, pack
from transforms.resampling.records import OutputRecord
from transforms.resampling.unique_keys import key_prefixes
from transforms.resampling.writing import write_output
from transforms.shards.finding import find_shards
from transforms.stages.steps import Gathered, merged
from transforms.stages.tasks import finish_output
from transforms.statistics.counting import accumulator_for, count_shard
from transforms.storage.files import Storage, output_storage


class Run:
    """The stages one after another, as an engine would call them."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.storage: Storage = output_storage(config.output)
        labeller = Labeller(config)
        shards = find_shards(config.input)
        self.records = {s.name: labeller.label(s, self.storage) for s in shards}
        total = accumulator_for(schema_of(config))
        for record in self.records.values():
            total.merge(count_shard(record, config, self.storage))
        self.histogram = total.extract()
        self.plan, patterns = make_plan(self.histogram, list(self.records.values()), config)
        write_plan(self.plan, patterns, self.storage)

    def resample(self) -> Manifest:
        self.kept: list[Kept] = [
            keep_shard(record, self.plan, self.config, self.storage)
            for record in self.records.values()
        ]
        written: Gathered = None
        self.outputs: list[OutputRecord] = []
        for output in pack(self.kept, capacity(self.config.output)):
            record, sums = write_output(
                output,
                self.records,
                self.plan,
                self.config,
                self.storage,
                key_prefixes(self.records),
            )
            self.outputs.append(record)
            written = merged(written, sums)
        records = list(self.records.values())
        finish_output(written, records, self.kept, self.outputs, self.plan, self.config)
        return read_manifest(self.storage)


def members_written(config: Config) -> list[dict[str, bytes]]:
    shards = sorted((Path(config.output.url) / "shards").glob("*.tar"))
    return [read_members(path) for path in shards]


def test_a_written_plan_is_read_the_same(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    run = Run(config_of(tmp_path, utility={"field": "quality"}))
    plan = read_plan(run.storage)
    assert plan.identity == run.plan.identity
    assert plan.file.to_json() == run.plan.file.to_json()
    histogram, q = read_histogram(run.storage, plan)
    assert (histogram.patterns == run.histogram.patterns).all()
    assert abs((q @ histogram.counts) / histogram.samples - 0.5) < 1e-9


def test_weights_above_one_repeat_samples_under_new_keys(tmp_path: Path) -> None:
    truths = write_corpus(tmp_path)
    config = config_of(
        tmp_path,
        balance={
            "eta": 1.3,
            "Q": 3.0,
            "max_representation_bias": 0.01,
            "max_association_bias": 0.08,
        },
    )
    manifest = Run(config).resample()
    totals = manifest.totals
    assert totals.repeats > 0
    assert totals.written == totals.kept + totals.repeats
    assert abs(totals.written - 1.3 * 300) <= 3
    originals = {truth.key: members_of(truth) for truth in truths}
    for members in members_written(config):
        for name, content in members.items():
            key, extension = name.split(".")
            assert content == originals[key.partition("-")[0]][extension]


def test_equal_keys_of_two_shards_do_not_meet_in_an_output(tmp_path: Path) -> None:
    for shard in ("a", "b"):
        members = {
            f"{key}.{extension}": content
            for key in ("x", "y", "x-1")
            for extension, content in {
                "txt": f"a man or woman of {shard}".encode(),
                "json": b'{"words": []}',
            }.items()
        }
        write_tar(tmp_path / "in" / f"{shard}.tar", members)
    config = config_of(
        tmp_path,
        balance={"eta": 1.0, "Q": 1.0, "max_representation_bias": 1, "max_association_bias": 1},
    )
    Run(config).resample()
    (members,) = members_written(config)
    keys = [name.removesuffix(".txt") for name in members if name.endswith(".txt")]
    assert keys == ["x", "y", "x-1", "x-2", "y-1", "x-1-1"]


@pytest.mark.parametrize("output", [{"samples_per_shard": 7}, {"bytes_per_shard": 20_000}])
def test_outputs_are_as_large_as_asked_for(tmp_path: Path, output: dict[str, int]) -> None:
    write_corpus(tmp_path)
    config = config_of(tmp_path, output={"url": "out", **output})
    manifest = Run(config).resample()
    assert len(manifest.shards) > 2
    for shard in manifest.shards[:-1]:
        if "samples_per_shard" in output:
            assert shard.samples == 7
        else:
            assert abs(shard.bytes - 1024 - 20_000) < 4096
    names = sorted(path.name for path in (tmp_path / "out" / "shards").glob("*.tar"))
    assert names == [f"{number:05d}.tar" for number in range(len(names))]


def test_fewer_outputs_than_before_leave_none_of_the_old(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    Run(config_of(tmp_path, output={"url": "out", "samples_per_shard": 10})).resample()
    manifest = Run(config_of(tmp_path, output={"url": "out", "samples_per_shard": 60})).resample()
    names = sorted(path.name for path in (tmp_path / "out" / "shards").iterdir())
    shards = [shard.name.removeprefix("shards/") for shard in manifest.shards]
    tables = [name.replace(".tar", ".parquet") for name in shards]
    assert names == sorted([*shards, *tables, "sizes.json"])


def test_a_finished_output_is_not_written_again(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    run = Run(config_of(tmp_path))
    first = run.resample()
    path = tmp_path / "out" / "shards" / "00000.tar"
    written = path.stat()
    assert run.resample().to_json() == first.to_json()
    assert path.stat() == written
    (tmp_path / "out" / "done" / "shards" / "00000.json").unlink()
    run.resample()
    assert path.stat().st_ino != written.st_ino
    path.write_bytes(b"cut")
    run.resample()
    assert path.stat().st_size == written.st_size


def test_the_quality_filter_drops_before_balancing(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    run = Run(config_of(tmp_path))
    record = next(iter(run.records.values()))
    everything = draw(record, run.plan, run.config, run.storage)
    assert 0 < len(everything.row) < record.samples


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"balance": {"eta": 0.4}}, "config.balance"),
        ({"seed": 5}, "config.seed"),
        ({"labels": {}}, "config.labels"),
    ],
)
def test_a_plan_made_from_other_inputs_is_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], part: str
) -> None:
    write_corpus(tmp_path)
    run = Run(config_of(tmp_path))
    records = list(run.records.values())
    check_fits(run.plan.fingerprint, fingerprint(run.config, records), "plan.json")
    at_hand = fingerprint(config_of(tmp_path, **changes), records)
    with pytest.raises(StaleError, match=rf"plan.json was made from other .*{part}"):
        check_fits(run.plan.fingerprint, at_hand, "plan.json")
    other = [replace(records[0], table_digest="0"), *records[1:]]
    with pytest.raises(StaleError, match="other labels: run"):
        check_fits(run.plan.fingerprint, fingerprint(run.config, other), "plan.json")


def test_labels_changed_after_they_were_recorded_are_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    run = Run(config_of(tmp_path))
    record: LabelRecord = next(iter(run.records.values()))
    run.storage.publish(f"labels/{record.shard.name}.parquet", b"other")
    with pytest.raises(StaleError, match="changed after it was labelled"):
        keep_shard(record, run.plan, run.config, run.storage)


def test_a_lost_sample_is_fatal(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    run = Run(config_of(tmp_path))
    run.resample()
    short = [replace(entry, samples=entry.samples + 1) for entry in run.kept]
    with pytest.raises(FairshardError, match="lost or doubled in the shard 00000"):
        finish_output(None, list(run.records.values()), short, run.outputs, run.plan, run.config)


def test_too_many_rejects_stop_the_plan(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    run = Run(config_of(tmp_path))
    records = [replace(record, rejects=50) for record in run.records.values()]
    with pytest.raises(FairshardError, match=r"150 of 450 samples \(33.3%\) were rejected"):
        make_plan(run.histogram, records, run.config)


def test_a_manifest_tells_where_each_shard_came_from(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    run = Run(config_of(tmp_path))
    manifest = run.resample()
    assert read_manifest(run.storage).to_json() == manifest.to_json()
    taken = sum(origin.samples for shard in manifest.shards for origin in shard.origins)
    assert taken == manifest.totals.written
    for row in manifest.inputs:
        assert row.in_ == row.kept + row.dropped + row.rejected


def test_a_plan_that_is_not_one_is_a_sentence(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    with pytest.raises(FairshardError, match=r"plan\.json is missing"):
        read_plan(storage)
    for content, expected in [(b"{", "is not a plan"), (b'{"version": 99}', "of version 99")]:
        storage.publish("plan/plan.json", content)
        with pytest.raises(FairshardError, match=expected):
            read_plan(storage)
