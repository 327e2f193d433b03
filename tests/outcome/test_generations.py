"""What is said of a grown output: bounds on all of it, and each generation by itself."""

from pathlib import Path

import numpy as np
import pytest

from jobs.session.summary import show, summarise
from tests.growing import add_shard, append, corpus, manifest_of, rebalance
from tests.outcome.test_run_metrics import measured, of
from tests.runs import quiet
from transforms.config.sections import Config
from transforms.gates.gating import check_output, passed
from transforms.gates.output import gate_output
from transforms.gates.subjects import output_digest
from transforms.outcome.artefacts import read_artefacts
from transforms.outcome.generations import generation_rows
from transforms.outcome.measure_rows import measure_rows
from transforms.report.page import write_report
from transforms.storage.files import Storage

TIGHT = {"eta": 0.5, "max_representation_bias": 0.05, "max_association_bias": None}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A balanced generation of few women, beside one whose bounds were wide: the last mends it."""
    folder = tmp_path_factory.mktemp("grown")
    rebalance(corpus(folder, "a", "b"))
    config = corpus(folder, balance=TIGHT)
    add_shard(folder, "c", samples=240, women=0.6)
    append(config)
    return config


def test_bounds_are_held_on_all_that_is_written(grown: Config) -> None:
    artefacts = read_artefacts(Storage(grown.output.url))
    row = measure_rows(artefacts)[0]
    assert row.after.value == pytest.approx(max(manifest_of(grown).measures.RB))
    assert row.predicted.value <= 0.05 + 1e-6
    assert artefacts.predicted.samples == pytest.approx(180)
    assert row.status == "met"


def test_a_generation_that_is_biased_to_mend_another_is_warned_of(grown: Config) -> None:
    artefacts = read_artefacts(Storage(grown.output.url))
    first, last = generation_rows(artefacts.manifest, artefacts.plan)
    assert [one.name for one in last.bias] == ["RB"]
    assert first.warning.startswith("generation 0 is itself biased: RB 0.")
    assert last.warning.startswith("generation 1 is itself biased: RB 0.")
    assert last.rate == pytest.approx(0.5)
    summary = summarise(Storage(grown.output.url))
    assert [one["warning"] for one in summary["generations"]] == [first.warning, last.warning]
    console = quiet()
    show(summary, console)
    said = console.file.getvalue()
    assert "generation 1: 120 written of 240 samples in 1 shard, to 6 output shards; by" in said
    assert f"  warning: {last.warning}" in said


def test_the_gate_of_the_output_warns_of_a_biased_generation(grown: Config) -> None:
    artefacts = read_artefacts(Storage(grown.output.url))
    last = tuple(generation_rows(artefacts.manifest, artefacts.plan))[-1].bias[0]
    result = gate_output(artefacts)
    assert result.passed and not result.failures
    (warning,) = result.warnings
    assert warning.startswith("each generation is by itself within what was asked for of all, but ")
    said = f"RB of generation 1 by itself ({last.of}) is {last.value:.4g}, {last.excess:.4g} above "
    assert f"{said}the 0.05 asked for of all" in warning
    assert "RB of generation 0 by itself" in warning
    of = output_digest(artefacts.manifest)
    check_output(artefacts, grown)
    assert passed("output", of, grown, drawn=True, grown=True)
    assert not passed("output", of, grown, drawn=True)


def test_the_gate_says_nothing_of_generations_within_the_bounds(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    storage = Storage(config.output.url)
    assert "generations" not in {one.table for one in gate_output(read_artefacts(storage)).outcomes}
    add_shard(tmp_path, "c")
    append(config)
    result = gate_output(read_artefacts(storage))
    assert result.warnings == ()
    assert [one.success for one in result.outcomes if one.table == "generations"] == [True]


def test_metrics_tell_of_each_generation(grown: Config) -> None:
    storage = Storage(grown.output.url)
    artefacts, found = read_artefacts(storage), measured(storage)
    for row in generation_rows(artefacts.manifest, artefacts.plan):
        number, written = str(row.entry.number), row.entry.written
        assert of(found, "generation_samples_written", generation=number) == written
        RB = of(found, "generation_bias", generation=number, measure="RB")
        assert RB == row.bias[0].value > 0.05
        AB = of(found, "generation_bias", generation=number, measure="AB")
        assert pytest.approx(np.abs(row.entry.measures.AB).max()) == AB
    assert ("fairshard_generation_bias", (("generation", "1"), ("measure", "RB"))) in found


def test_the_report_has_a_row_a_generation(grown: Config) -> None:
    page = Path(write_report(Storage(grown.output.url), {})).read_text(encoding="utf-8")
    assert '<section id="generations">' in page
    assert "generation 1 is itself biased" in page


def test_an_output_of_one_corpus_tells_of_none(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a")
    rebalance(config)
    assert "generations" not in summarise(Storage(config.output.url))
    assert not [name for name, _ in measured(Storage(config.output.url)) if "generation" in name]
    page = Path(write_report(Storage(config.output.url), {})).read_text(encoding="utf-8")
    assert "Generations" not in page
