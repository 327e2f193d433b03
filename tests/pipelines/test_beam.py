"""The whole job on Beam: three ways to run it, one output."""

from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.runners.portability.local_job_service import LocalJobServicer

from jobs.session.labelled import all_label_records
from pipelines.beam.engine import BeamEngine, ResampleShards, SolvePlan
from pipelines.beam.labelling import LabelShards
from tests.fixtures import Truth, config_of, members_of, read_members, tree, write_corpus
from tests.web_proxies import behind_a_proxy
from transforms.base.errors import FairshardError
from transforms.config.sections import Config
from transforms.outcome.artefacts import read_artefacts
from transforms.plan.plan import read_plan
from transforms.resampling.manifest import read_manifest
from transforms.shards.finding import find_shards
from transforms.stages.labelling import labelling_of
from transforms.stages.solving import Counting
from transforms.statistics.standard_errors import sampling_error
from transforms.storage.files import output_storage

IN_MEMORY = ("--runner=FnApiRunner",)
TWO_PROCESSES = (
    "--runner=FnApiRunner",
    "--direct_running_mode=multi_processing",
    "--direct_num_workers=2",
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Truth]]:
    folder = tmp_path_factory.mktemp("corpus")
    return folder, write_corpus(folder, samples=2000, shards=5)


def rebalance(config: Config, arguments: tuple[str, ...]) -> dict[str, bytes]:
    BeamEngine(arguments).rebalance(config, find_shards(config.input))
    return tree(Path(config.output.url))


def to(config: Config, url: Path) -> Config:
    return config.model_copy(update={"output": config.output.model_copy(update={"url": str(url)})})


@pytest.fixture(scope="module")
def rebalanced(
    corpus: tuple[Path, list[Truth]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Config, dict[str, bytes]]:
    config = to(config_of(corpus[0]), tmp_path_factory.mktemp("memory"))
    return config, rebalance(config, IN_MEMORY)


def test_bias_is_at_what_was_asked_for(rebalanced: tuple[Config, dict[str, bytes]]) -> None:
    artefacts = read_artefacts(output_storage(rebalanced[0].output))
    assert artefacts.plan.file.certificate.gap <= 1e-6
    assert artefacts.plan.file.missed == ()
    asked, errors = (
        artefacts.asked,
        sampling_error(artefacts.histogram, artefacts.attributes, artefacts.q),
    )
    for measure in ("RB", "AB"):
        before = np.abs(getattr(artefacts.before, measure))
        predicted = np.abs(getattr(artefacts.predicted, measure))
        after = np.abs(getattr(artefacts.after, measure))
        bound = getattr(asked, measure)
        assert before.max() > 2 * bound.max()
        assert np.all(predicted <= bound + 1e-6)
        assert np.all(after <= bound + 4 * getattr(errors, measure))


def test_every_payload_is_the_origins_and_every_sample_is_accounted_for(
    corpus: tuple[Path, list[Truth]], rebalanced: tuple[Config, dict[str, bytes]]
) -> None:
    config, files = rebalanced
    originals = {truth.key: members_of(truth) for truth in corpus[1]}
    kept: dict[str, dict[str, bytes]] = {}
    for name in files:
        if name.startswith("shards/") and name.endswith(".tar"):
            for member, content in read_members(Path(config.output.url, name)).items():
                key, extension = member.split(".", 1)
                kept.setdefault(key, {})[extension] = content
    assert all(members == originals[key] for key, members in kept.items())
    totals = read_manifest(output_storage(config.output)).totals
    assert totals.kept == len(kept) == totals.written
    assert totals.in_ == 2000 == totals.kept + totals.dropped + totals.rejected


def test_two_processes_write_the_same_bytes(
    rebalanced: tuple[Config, dict[str, bytes]], tmp_path: Path
) -> None:
    assert rebalance(to(rebalanced[0], tmp_path), TWO_PROCESSES) == rebalanced[1]


@pytest.fixture
def job_service(tmp_path: Path) -> Iterator[str]:
    """Beam's own portable job service, on a loopback port of its choice."""
    service = LocalJobServicer(str(tmp_path / "staging"))
    yield f"localhost:{service.start_grpc_server(0)}"
    service.stop()


def test_the_portable_job_service_writes_the_same_bytes_whatever_the_proxy(
    rebalanced: tuple[Config, dict[str, bytes]],
    job_service: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    behind_a_proxy(monkeypatch)
    arguments = (
        "--runner=PortableRunner",
        f"--job_endpoint={job_service}",
        "--environment_type=LOOPBACK",
    )
    assert rebalance(to(rebalanced[0], tmp_path / "out"), arguments) == rebalanced[1]


def test_stages_apart_write_the_same_bytes(
    rebalanced: tuple[Config, dict[str, bytes]], tmp_path: Path
) -> None:
    config = to(rebalanced[0], tmp_path)
    engine, shards = BeamEngine(IN_MEMORY), find_shards(config.input)
    engine.label(config, shards)
    records = all_label_records(config, shards)
    engine.solve(config, records)
    engine.resample(config, records, read_plan(output_storage(config.output)))
    assert tree(tmp_path) == rebalanced[1]


def test_a_workers_error_reaches_the_caller_as_its_sentence(
    corpus: tuple[Path, list[Truth]], tmp_path: Path
) -> None:
    labels = {"thing": {"names": {"x": {"field": {"path": "words", "values": "tie"}}}}}
    config = config_of(corpus[0], labels=labels, utility={"field": "absent"})
    with pytest.raises(
        FairshardError, match=r"^[^\n]*2,000 of 2,000 samples \(100.0%\) were rejected"
    ):
        rebalance(to(config, tmp_path), IN_MEMORY)


def test_a_pipeline_counts_what_it_does(corpus: tuple[Path, list[Truth]], tmp_path: Path) -> None:
    config = to(config_of(corpus[0]), tmp_path)
    pipeline = beam.Pipeline(runner="FnApiRunner")
    shards = find_shards(config.input)
    records = pipeline | beam.Create(shards) | LabelShards(config, labelling_of(config, shards))
    plan = records | SolvePlan(config, Counting())
    _ = records | ResampleShards(config, plan)
    result = pipeline.run()
    result.wait_until_finish()
    counters = result.metrics().query()["counters"]
    counted = {counter.key.metric.name: counter.committed for counter in counters}
    totals = read_manifest(output_storage(config.output)).totals
    assert counted["samples"] == 2000
    assert counted["rejects"] == 0
    assert counted["samples_written"] == totals.written
    assert counted["bytes_written"] == totals.bytes
    assert counted["bytes_read"] == sum(shard.bytes for shard in find_shards(config.input))
    steps = ("read", "decode", "model", "write", "copy_read", "copy_write")
    assert {f"{step}_ms" for step in steps} <= counted.keys()
