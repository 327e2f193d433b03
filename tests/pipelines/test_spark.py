"""The whole job on Spark: the bytes that Beam writes, whatever the parallelism."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark import SparkContext

from jobs.begin.demo.corpus import MODEL
from jobs.session.labelled import all_label_records
from pipelines.beam.engine import BeamEngine
from pipelines.spark.engine import SparkEngine, label_shards, resample_shards, solve_plan
from tests.fixtures import config_of, tree, write_corpus
from transforms.base.errors import ConfigError, FairshardError
from transforms.config.sections import Config
from transforms.plan.plan import read_plan
from transforms.shards.finding import find_shards
from transforms.stages.solving import Counting
from transforms.storage.files import output_storage

IN_MEMORY = ("--runner=FnApiRunner",)
LOCAL = ("--master=local[2]",)


def to(config: Config, url: Path) -> Config:
    return config.model_copy(update={"output": config.output.model_copy(update={"url": str(url)})})


def on_beam(config: Config, url: Path) -> dict[str, bytes]:
    BeamEngine(IN_MEMORY).rebalance(to(config, url), find_shards(config.input))
    return tree(url)


def test_spark_writes_what_beam_writes(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=400, shards=5)
    config = config_of(
        tmp_path,
        input={"shards": "in/*.tar", "part_bytes": 100_000},
        model={"name": f"local-dir:{MODEL}", "batch_size": 32},
        utility={"score": "similarity"},
        balance={"eta": 1.2, "Q": 4.0},
    )
    SparkEngine(LOCAL).rebalance(to(config, tmp_path / "spark"), find_shards(config.input))
    assert tree(tmp_path / "spark") == on_beam(config, tmp_path / "beam")


def test_stages_apart_write_the_same_bytes_and_engines_mix(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    config, engine = to(config_of(tmp_path), tmp_path / "spark"), SparkEngine(LOCAL)
    shards = find_shards(config.input)
    engine.label(config, shards)
    records = all_label_records(config, shards)
    BeamEngine(IN_MEMORY).solve(config, records)
    engine.solve(config, records)
    engine.resample(config, records, read_plan(output_storage(config.output)))
    assert tree(tmp_path / "spark") == on_beam(config, tmp_path / "beam")


@pytest.fixture(scope="module")
def context() -> Iterator[SparkContext]:
    engine = SparkEngine(LOCAL)
    with engine.context() as context:
        yield context


@settings(max_examples=6)
@given(
    samples=st.integers(1, 120),
    shards=st.integers(1, 6),
    seed=st.integers(0, 2**16),
    eta=st.sampled_from([0.3, 0.8, 1.7]),
    size=st.sampled_from([{"samples_per_shard": 9}, {"bytes_per_shard": 30_000}]),
    part=st.sampled_from([2**30, 30_000, 7_000]),
)
def test_any_corpus_seed_and_size_gives_the_same_bytes(
    context: SparkContext,
    tmp_path_factory: pytest.TempPathFactory,
    samples: int,
    shards: int,
    seed: int,
    eta: float,
    size: dict[str, int],
    part: int,
) -> None:
    folder = tmp_path_factory.mktemp("property")
    write_corpus(folder, samples, min(shards, samples), seed)
    config = config_of(
        folder,
        input={"shards": "in/*.tar", "part_bytes": part},
        seed=seed,
        balance={"eta": eta, "Q": 3.0},
        output={"url": "out", **size},
        gates={"enabled": False},
    )
    spark = to(config, folder / "spark")
    records = label_shards(context, spark, find_shards(spark.input))
    plan = solve_plan(context, spark, records, Counting())
    resample_shards(context, spark, records, plan)
    assert tree(folder / "spark") == on_beam(config, folder / "beam")


def test_a_workers_error_reaches_the_caller_as_its_sentence(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    config = config_of(tmp_path)
    shards = find_shards(config.input)
    lost = Path(shards[0].url)
    lost.unlink()
    with pytest.raises(
        FairshardError, match=rf"^the shard [^\n]*{lost.name} does not exist: [^\n]*$"
    ):
        SparkEngine(LOCAL).label(config, shards)


def test_a_local_master_is_not_asked_for_gpus(tmp_path: Path) -> None:
    """It has none to give: its workers look for GPUs themselves, and here there are none."""
    write_corpus(tmp_path)
    model = {"name": f"local-dir:{MODEL}", "device": "cuda"}
    config = config_of(tmp_path, model=model, utility={"score": "similarity"})
    with pytest.raises(FairshardError, match="this machine has no CUDA device"):
        SparkEngine(LOCAL).label(to(config, tmp_path / "spark"), find_shards(config.input))


def test_without_java_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_corpus(tmp_path)
    config = config_of(tmp_path)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(FairshardError, match="Spark needs Java 17 or newer, and none was found"):
        SparkEngine(LOCAL).label(config, find_shards(config.input))


def test_an_option_that_spark_does_not_take_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown option runner=X: Spark takes"):
        SparkEngine(["--runner=X"])
