"""Metrics of a run, from its files, as Prometheus reads them."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tests.commands import run
from tests.fixtures import config_of, write_corpus
from tests.outputs import finished_output
from transforms.labels.labelling import Labeller
from transforms.labels.records import label_record_from
from transforms.outcome.prometheus import counter, gauge, labelled, prometheus_text
from transforms.outcome.run_metrics import run_metrics
from transforms.shards.finding import find_shards
from transforms.storage.documents import to_json
from transforms.storage.files import Storage, output_storage

QUICK = ["--", "--runner=FnApiRunner"]
Read = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Read:
    """The samples of a text, as Prometheus's own parser finds them, but for the label `output`."""
    return {
        (sample.name, tuple(sorted(set(sample.labels.items()) - _outputs(sample)))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _outputs(sample: Any) -> set[tuple[str, str]]:
    return {("output", sample.labels["output"])} if "output" in sample.labels else set()


def of(found: Read, name: str, **labels: str) -> float:
    return found[f"fairshard_{name}", tuple(sorted(labels.items()))]


def measured(storage: Storage) -> Read:
    return read(prometheus_text(run_metrics(storage)))


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    folder = tmp_path_factory.mktemp("finished")
    write_corpus(folder)
    return finished_output(config_of(folder))


@given(
    value=st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n")),
    number=st.floats(allow_nan=False),
)
@example(value='a\\nb "c" \\', number=1.0)
def test_any_label_and_number_is_read_back(value: str, number: float) -> None:
    text = prometheus_text([gauge("a_ratio", "Of\nwhat \\ is.", {labelled(it=value): number})])
    (family,) = text_string_to_metric_families(text)
    assert (family.name, family.type, family.documentation) == (
        "a_ratio",
        "gauge",
        "Of\nwhat \\ is.",
    )
    (sample,) = family.samples
    assert sample.labels == {"it": value}
    assert sample.value == number


def test_what_is_not_known_is_left_out() -> None:
    assert prometheus_text([gauge("nothing", "Of nothing.", {})]) == ""
    (found,) = read(prometheus_text([gauge("none", "Not a number.", math.nan)])).values()
    assert math.isnan(found)


def test_a_finished_output_tells_what_its_manifest_and_records_say(output: Storage) -> None:
    found = measured(output)
    totals = json.loads(output.read("manifest.json"))["totals"]
    assert of(found, "shards_labelled_total") == 3
    assert of(found, "samples_labelled_total") == totals["in"] == 300
    assert of(found, "samples_rejected_total") == 0
    assert of(found, "samples_kept_total") + of(found, "samples_dropped_total") == 300
    assert of(found, "samples_written_total") == totals["written"]
    assert of(found, "output_bytes_total") == totals["bytes"]
    shards = [name for name in output.names("shards") if name.endswith(".tar")]
    assert of(found, "shards_written_total") == len(shards)
    shards = Path(output.url).parent.glob("in/*.tar")
    assert of(found, "input_bytes_total") == sum(shard.stat().st_size for shard in shards)


def test_bias_gap_and_rate_are_those_of_the_plan(output: Storage) -> None:
    found, plan = measured(output), json.loads(output.read("plan/plan.json"))
    assert of(found, "gap_ratio") == plan["certificate"]["gap"]
    assert of(found, "rate_ratio") == plan["certificate"]["rate"]
    assert of(found, "rate_asked_ratio") == 0.5
    biases = [max(map(abs, plan["measures"][when]["RB"])) for when in ("before", "predicted")]
    said = [of(found, "bias", measure="RB", when=when) for when in ("before", "predicted")]
    assert said == pytest.approx(biases, abs=1e-12)
    assert of(found, "bias", measure="RB", when="after") < biases[0]
    assert of(found, "bias_asked", measure="RB") == 0.01
    assert of(found, "bias_missed", measure="AB") in (0, 1)


def test_time_is_told_by_stage_and_step(output: Storage) -> None:
    found = measured(output)
    steps = {
        (labels[0][1], labels[1][1])
        for name, labels in found
        if name == "fairshard_step_seconds_total"
    }
    label = {("label", step) for step in ("read", "decode", "model", "idle", "write")}
    assert steps == label | {("resample", "read"), ("resample", "write")}
    assert of(found, "step_seconds_total", stage="label", step="read") > 0
    assert of(found, "label_worker_seconds_total") > 0


def test_every_metric_is_named_by_prometheus_conventions(output: Storage) -> None:
    metrics = run_metrics(output)
    assert len({metric.name for metric in metrics}) == len(metrics)
    for metric in metrics:
        assert metric.name.startswith("fairshard_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.help.endswith(".")
        assert not metric.name.endswith(("_ms", "_mb", "_percent"))


def test_labels_alone_tell_of_labels_alone(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=60, shards=2)
    config = config_of(tmp_path)
    storage = output_storage(config.output)
    Labeller(config).label(find_shards(config.input)[0], storage)
    found = measured(storage)
    assert of(found, "shards_labelled_total") == 1
    assert of(found, "samples_labelled_total") == 30
    assert ("fairshard_gap_ratio", ()) not in found
    assert ("fairshard_gpu_busy_ratio", ()) not in found
    (Path(storage.url) / "done/labels/torn.json").write_text('{"shard": ')
    assert measured(storage) == found


def test_how_busy_the_gpu_is_comes_from_records_that_had_one(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=60, shards=2)
    config = config_of(tmp_path)
    storage = output_storage(config.output)
    labeller = Labeller(config)
    seconds: list[dict[str, Any]] = [{"model": 3.0, "total": 4.0}, {"model": 1.0, "total": 100.0}]
    devices = ["cuda", "cpu"]
    for shard, spent, device in zip(find_shards(config.input), seconds, devices, strict=True):
        record = labeller.label(shard, storage)
        on_file = dataclasses.replace(record, seconds=spent, device=device)
        storage.publish(f"done/labels/{shard.name}.json", to_json(on_file))
        assert label_record_from(storage.read(f"done/labels/{shard.name}.json")) == on_file
    assert of(measured(storage), "gpu_busy_ratio") == 0.75


def written_config(folder: Path) -> Path:
    write_corpus(folder, samples=120, shards=2)
    values = config_of(folder).model_dump(mode="json", exclude={"engine"})
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_a_run_leaves_its_metrics_and_the_command_prints_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written_config(tmp_path)
    assert run("rebalance", path, "--allow-unmet", *QUICK) == 0
    text = (tmp_path / "out/metrics.prom").read_text()
    left = read(text)
    values = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(f'output="{tmp_path / "out"}"' in line for line in values)
    capsys.readouterr()
    assert run("metrics", tmp_path / "out") == 0
    assert read(capsys.readouterr().out) == left
    assert of(left, "run_active") == of(left, "run_failed") == 0
    assert of(left, "run_end_timestamp_seconds") > of(left, "run_start_timestamp_seconds")
    for stage in ("label", "solve", "resample"):
        assert of(left, "stage_duration_seconds", stage=stage) > 0
    kept = json.loads((tmp_path / "out/done/run.json").read_text())
    about = {"run": kept["run"], "command": "rebalance", "engine": "beam"}
    assert of(left, "run_info", **about) == 1


def test_a_failed_run_says_so_and_so_does_one_that_is_not_over(tmp_path: Path) -> None:
    path = written_config(tmp_path)
    assert run("solve", path, *QUICK) == 1
    left = read((tmp_path / "out/metrics.prom").read_text())
    assert (of(left, "run_failed"), of(left, "run_active")) == (1, 0)
    record = tmp_path / "out/done/run.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "finished": None}))
    assert of(measured(Storage(str(tmp_path / "out"))), "run_active") == 1


def test_a_folder_without_a_run_has_no_metrics(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("metrics", tmp_path) == 1
    assert "holds no run" in capsys.readouterr().err


def test_a_counter_keeps_its_name() -> None:
    text = prometheus_text([counter("samples_total", "Samples.", 3)])
    assert text.splitlines() == [
        "# HELP samples_total Samples.",
        "# TYPE samples_total counter",
        "samples_total 3.0",
    ]
