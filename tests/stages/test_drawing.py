"""The round of drawing: what is written meets the bounds, on whatever engine and in any order."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.label_tables import Corpus, read_records, write_tables
from jobs.session.resume import work_on
from pipelines.beam.engine import BeamEngine
from pipelines.spark.engine import SparkEngine
from tests.fixtures import config_of, tree, write_corpus
from tests.inprocess import InProcess
from tests.outputs import solved
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan, read_plan
from transforms.resampling.drawing import keep_shard
from transforms.resampling.manifest import Manifest, read_manifest
from transforms.resampling.shards_file import is_counted, read_kept
from transforms.shards.finding import find_shards
from transforms.stages.drawing import Drawing
from transforms.stages.solving import Counting
from transforms.stages.steps import Gathered, Step, merged
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage

BOUNDS = {"max_representation_bias": 0.005, "max_association_bias": 0.03}
SAMPLES = 1_500
PACKINGS: list[dict[str, Any]] = [{}, {"samples_per_shard": None, "bytes_per_shard": 50_000}]


def asked(folder: Path, out: str = "out", balance: Any = None, **changes: Any) -> Config:
    """What is asked of the corpus in `folder`."""
    output = {"url": out, "samples_per_shard": 100, **changes.pop("output", {})}
    given = {"eta": 0.5, **BOUNDS, **(balance or {})}
    return config_of(folder, balance=given, output=output, gates={"enabled": False}, **changes)


def made(config: Config, engine: Any = None) -> tuple[Plan, Manifest, Storage]:
    """The output that an engine makes; what it says must be true."""
    (engine or InProcess()).rebalance(config, find_shards(config.input))
    storage = output_storage(config.output)
    plan, manifest = read_plan(storage), read_manifest(storage)
    assert plan.file.draw is not None
    said, held = plan.file.draw.to_dict(), manifest.to_dict()
    assert json.dumps(said["measures"]) == json.dumps(held["measures"])
    assert json.dumps(said.get("as_labelled")) == json.dumps(held["as_labelled"])
    assert said["copies"] == held["totals"]["written"]
    assert said["kept"] == held["totals"]["kept"]
    return plan, manifest, storage


def is_met(plan: Plan) -> bool:
    """Whether what is drawn meets what is asked, to the last digit."""
    found, asked = plan.file.draw.measures, plan.terms.tolerances
    pairs = ((found.RB, asked.representation), (found.AB, asked.association))
    return all((np.abs(values) <= bounds + 1e-12).all() for values, bounds in pairs)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus of five shards."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, SAMPLES, 5)
    return folder


@pytest.mark.parametrize("packing", PACKINGS)
def test_engines_write_the_same_flips_and_what_is_written_meets_the_bounds(
    corpus: Path, packing: dict[str, Any]
) -> None:
    engines = {
        "here": InProcess(),
        "beam": BeamEngine(("--runner=FnApiRunner",)),
        "spark": SparkEngine(("--master=local[2]",)),
    }
    written = {}
    for name, engine in engines.items():
        out = f"{name}-{'bytes' if packing else 'samples'}"
        plan, _, storage = made(asked(corpus, out, output=packing), engine)
        assert len(plan.flips) and plan.file.draw.excess == 0
        assert is_met(plan)
        assert not storage.exists(paths.attempt("solve", "drawing"))
        written[name] = tree(corpus / out)
        assert paths.FLIPS in written[name]
    assert written["here"] == written["beam"] == written["spark"]


@pytest.mark.parametrize("seed", range(10))
def test_every_seed_meets_the_bounds(corpus: Path, seed: int) -> None:
    config = asked(corpus, "seeds", seed=seed)
    InProcess().label(config, find_shards(config.input))
    plan, _, _ = made(config)
    assert plan.file.draw.excess == 0
    assert is_met(plan)


def test_no_flips_where_the_draw_meets_the_bounds_anyway(corpus: Path) -> None:
    loose = {"max_representation_bias": 0.3, "max_association_bias": 0.5}
    plan, _, storage = made(asked(corpus, "loose", loose))
    assert plan.file.draw.flips is None
    assert not storage.exists(paths.FLIPS)
    undrawn = plan.file.model_copy(update={"draw": None})
    assert plan.identity == undrawn.identity


@pytest.mark.parametrize("packing", PACKINGS)
def test_shards_are_counted_once(corpus: Path, packing: dict[str, Any]) -> None:
    """What is on file is what another pass counts; by bytes, that of shards without flips."""
    out = "bytes" if packing else "samples"
    config = asked(corpus, out, output=packing)
    plan, _, storage = made(config)
    records = InProcess()._labelled(config, find_shards(config.input))
    again = [keep_shard(record, plan, config, storage) for record in records]
    known = [entry for entry in again if is_counted(entry.shard, plan, config.output)]
    assert read_kept(plan, storage) == known
    flipped = {entry.shard for entry in again if len(plan.flips.of(entry.shard))}
    assert {entry.shard for entry in again} - {entry.shard for entry in known} == (
        flipped if packing else set()
    )


def test_weights_above_one_are_flipped_between_whole_numbers(corpus: Path) -> None:
    plan, manifest, _ = made(asked(corpus, "repeats", {"eta": 1.3, "Q": 3.0}))
    assert manifest.totals.repeats > 0 and len(plan.flips)
    assert is_met(plan)


def test_the_largest_rate_is_one_that_the_output_meets(corpus: Path) -> None:
    plan, _, _ = made(asked(corpus, "auto", {"eta": "auto"}))
    found = plan.file.largest_rate
    assert plan.file.draw.excess == 0
    assert is_met(plan)
    assert plan.terms.eta == found.rate <= found.upper
    assert "(auto: the largest at which all is attainable" in plan.rate_in_words


def tables(folder: Path, rows: int, **balance: Any) -> tuple[Config, list[LabelRecord]]:
    """Label tables of so many rows in five shards, each of its own utility."""
    config = write_tables(Corpus(rows, 5, 2, 4, "mixed"), folder)
    values = config.model_dump()
    values["balance"] |= {"max_representation_bias": 1e-3, "max_association_bias": 1e-3, **balance}
    return Config.model_validate(values), read_records(output_storage(config.output))


@pytest.mark.parametrize("eta", [0.4, "auto"])
def test_a_sampled_plan_is_drawn_from_all_rows(tmp_path: Path, eta: Any) -> None:
    config, records = tables(tmp_path, 20_000, eta=eta, max_patterns=1_000)
    plan = solved(records, config)
    assert plan.file.sampled is not None and len(plan.flips)
    assert plan.file.draw.excess == 0
    assert is_met(plan)
    assert not output_storage(config.output).exists(paths.SAMPLE)


def test_where_flips_do_not_suffice_the_rate_is_lowered(tmp_path: Path) -> None:
    config, records = tables(tmp_path, 60, eta="auto")
    asked = config.model_copy(update={"balance": config.balance.at(0.60161)})
    at_the_largest = solved(records, asked)
    assert not at_the_largest.file.missed and at_the_largest.file.draw.excess > 0.01

    plan = solved(records, config)

    assert plan.file.draw.excess == 0
    assert is_met(plan)
    assert 0.5 < plan.file.largest_rate.rate == plan.terms.eta < 0.6016
    assert plan.file.largest_rate.upper == pytest.approx(0.6022, abs=1e-4)
    said = r"eta = 0\.\d+ \(auto: lowered from (0\.60\d+), the largest at which all is attainable "
    lowered = re.fullmatch(rf"{said}.*, so that whole samples meet it too\)", plan.rate_in_words)
    assert lowered and float(lowered[1]) == pytest.approx(plan.file.draw.lowered_from)
    assert read_plan(output_storage(config.output)).rate_in_words == plan.rate_in_words


def test_where_no_rate_suffices_the_one_that_misses_least_is_gone_back_to(tmp_path: Path) -> None:
    config, records = tables(tmp_path, 60, eta="auto", max_patterns=40, V=100.0)
    step: Step = Counting()
    missed: dict[float, float] = {}
    while step.made is None:
        gathered: Gathered = None
        for record in records:
            gathered = merged(gathered, step.gather(record, config))
        step = step.advance(gathered, records, config)
        if isinstance(step, Drawing):
            missed = {trial.rate: trial.excess for trial in step.tried}
    assert len(missed) == 3
    rate = min(missed, key=missed.__getitem__)
    assert (step.made.terms.eta, step.made.file.draw.excess) == (rate, missed[rate])
    assert rate > min(missed)
    largest = max(missed)
    assert step.made.file.draw.lowered_from == (largest if rate < largest else None)
    words = step.made.rate_in_words
    assert ("lowered from" in words) == ("whole samples miss less at this one" in words)
    assert ("lowered from" in words) == (rate < largest)


def test_a_plan_of_before_is_kept_though_nothing_is_drawn_by_it(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=120)
    loose = {"max_representation_bias": 0.3, "max_association_bias": 0.5}
    config = asked(tmp_path, "out", loose)
    _, manifest, storage = made(config)
    old = json.loads(storage.read(paths.PLAN))
    del old["draw"]
    storage.publish(paths.PLAN, json.dumps(old).encode())
    storage.delete(paths.DRAW)
    shards = find_shards(config.input)

    work = work_on(config, shards, ("solve", "resample"))

    assert work.plan is not None and work.plan.file.draw is None
    assert work.plan_line == "the plan is kept"
    assert work.complete
    InProcess().resample(config, work.records, work.plan)
    assert read_manifest(storage).to_json() == manifest.to_json()
