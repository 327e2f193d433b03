"""Spans and metrics for a collector: a real receiver on loopback decodes what it is sent."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.commands import run
from tests.fixtures import config_of, write_corpus
from transforms.config.files import read_config
from transforms.labels.labelling import Labeller
from transforms.shards.finding import find_shards
from transforms.storage.files import output_storage

QUICK = ["--", "--runner=FnApiRunner"]


@dataclass
class Received:
    """What a receiver was sent, by path; it answers with `status`."""

    url: str = ""
    status: int = 200
    bodies: dict[str, list[bytes]] = field(default_factory=dict)

    def spans(self) -> list[Any]:
        requests = map(ExportTraceServiceRequest.FromString, self.bodies["/v1/traces"])
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[str, Any]:
        requests = map(ExportMetricsServiceRequest.FromString, self.bodies["/v1/metrics"])
        return {
            metric.name: metric
            for request in requests
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def receiver() -> Iterator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.bodies.setdefault(self.path, []).append(body)
            self.send_response(received.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    received.url = f"http://127.0.0.1:{server.server_port}"
    yield received
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _no_collector_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)


def config_at(folder: Path, endpoint: str | None = None) -> Path:
    write_corpus(folder, samples=60, shards=2)
    values = config_of(folder).model_dump(mode="json", exclude={"engine"})
    telemetry = {"telemetry": {"otlp_endpoint": endpoint}} if endpoint else {}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({**values, **telemetry}))
    return path


def labelled_at(folder: Path, endpoint: str) -> Path:
    """A configuration whose shards are labelled: a run that has nothing left to do."""
    path = config_at(folder, endpoint)
    config = read_config(path)
    labeller = Labeller(config)
    for shard in find_shards(config.input):
        labeller.label(shard, output_storage(config.output))
    return path


def test_a_run_sends_a_span_a_stage_and_its_metrics(tmp_path: Path, receiver: Received) -> None:
    assert run("rebalance", config_at(tmp_path, receiver.url), "--allow-unmet", *QUICK) == 0
    spans = {span.name: span for span in receiver.spans()}
    whole = spans.pop("fairshard rebalance")
    assert sorted(spans) == ["label", "resample", "solve"]
    for span in spans.values():
        assert span.trace_id == whole.trace_id
        assert span.parent_span_id == whole.span_id
        begun, ended = span.start_time_unix_nano, span.end_time_unix_nano
        assert whole.start_time_unix_nano <= begun <= ended
    metrics = receiver.metrics()
    samples = metrics["fairshard_samples_labelled"]
    assert samples.sum.is_monotonic
    assert samples.sum.data_points[0].as_int == 60
    assert metrics["fairshard_input_bytes"].unit == "By"
    bias = metrics["fairshard_bias"].gauge.data_points
    points = {tuple(entry.value.string_value for entry in point.attributes) for point in bias}
    assert ("RB", "after") in points
    assert "fairshard_gap_ratio" in metrics
    receiver.bodies.clear()
    assert run("rebalance", tmp_path / "config.yaml", "--allow-unmet", *QUICK) == 0
    assert [span.name for span in receiver.spans()] == ["fairshard rebalance"]


def test_the_standard_variable_is_heeded_and_a_failed_run_is_told_of(
    tmp_path: Path, receiver: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    assert run("solve", config_at(tmp_path), *QUICK) == 1
    (span,) = receiver.spans()
    assert span.name == "fairshard solve"
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert "have no labels" in span.status.message


def test_a_collector_that_refuses_costs_a_warning(
    tmp_path: Path, receiver: Received, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.status = 400
    assert run("label", labelled_at(tmp_path, receiver.url), *QUICK) == 0
    assert capsys.readouterr().err.count("fairshard: telemetry: ") == 1


def test_a_collector_that_is_not_there_costs_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        port = closed.server_port
    path = labelled_at(tmp_path, f"http://me:hunter2@127.0.0.1:{port}")
    assert run("label", path, *QUICK) == 0
    said = capsys.readouterr().err
    assert said.count("fairshard: telemetry: the collector") == 1
    assert "hunter2" not in said
    assert (tmp_path / "out/metrics.prom").is_file()


def test_without_the_packages_one_sentence_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    assert run("label", config_at(tmp_path, "http://127.0.0.1:4318"), *QUICK) == 2
    assert "pip install 'fairshard[otel]'" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("labels/*"))


def test_an_endpoint_is_a_url(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("label", config_at(tmp_path, "collector:4318"), *QUICK) == 2
    assert "telemetry.otlp_endpoint" in capsys.readouterr().err
