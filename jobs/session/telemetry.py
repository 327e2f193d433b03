"""Spans and metrics of a run for an OpenTelemetry collector, by OTLP over HTTP."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from transforms.base.errors import ConfigError
from transforms.base.logs import LOGGER
from transforms.base.redaction import redacted
from transforms.base.release import release
from transforms.config.telemetry import Telemetry
from transforms.outcome.prometheus import Metric
from transforms.storage.last_run import LastRun

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, CallbackT, Observation
    from opentelemetry.sdk.resources import Resource

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_SECONDS = 5.0
_UNITS = {"seconds": "s", "bytes": "By", "ratio": "1"}
_NANOSECONDS = 10**9


class Collector:
    """A collector of telemetry, at a URL; it is told of a run once, when the run has ended."""

    def __init__(self, url: str) -> None:
        try:
            import opentelemetry.exporter.otlp.proto.http
            import opentelemetry.sdk  # noqa: F401
        except ImportError as error:
            raise ConfigError(
                f"telemetry to {url} needs OpenTelemetry's packages: pip install "
                f"'fairshard[otel]', or leave out telemetry.otlp_endpoint and {_ENDPOINT}"
            ) from error
        self._url = url.rstrip("/")

    def send(self, output: str, run: LastRun, metrics: Sequence[Metric]) -> None:
        """Send a run's spans, one for it and one a stage, and its metrics; a warning if lost."""
        from opentelemetry.sdk.resources import Resource

        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        service = {"service.name": "fairshard", "service.version": release()}
        about = Resource.create(
            {**service, "fairshard.run": run.run or "", "fairshard.output": output}
        )
        try:
            arrived = self._send_spans(run, about) and self._send_metrics(metrics, about)
        except Exception as error:  # whatever fails in telemetry, no run fails for it
            LOGGER.warning("telemetry: %s: %s", type(error).__name__, error)
            return
        if not arrived:
            LOGGER.warning(
                "telemetry: the collector %s did not take what it was sent; the run's metrics are "
                "in metrics.prom, and nothing else depends on it",
                redacted(self._url),
            )

    def _send_spans(self, run: LastRun, about: Resource) -> bool:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from opentelemetry.trace import Status, StatusCode, set_span_in_context

        ended = InMemorySpanExporter()
        provider = TracerProvider(resource=about, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(ended))
        tracer = provider.get_tracer("fairshard")
        started, finished = (
            round(_NANOSECONDS * datetime.fromisoformat(when).timestamp())
            for when in (run.started, run.finished)
            if when
        )
        whole = tracer.start_span(f"fairshard {run.command}", start_time=started)
        whole.set_attributes({"fairshard.run": run.run or "", "fairshard.engine": run.engine or ""})
        for stage, (began, end) in run.spans.items():
            if began * _NANOSECONDS >= started:
                span = tracer.start_span(
                    stage, set_span_in_context(whole), start_time=round(began * _NANOSECONDS)
                )
                span.set_attribute("fairshard.stage", stage)
                span.end(round(end * _NANOSECONDS))
        if run.error is not None:
            whole.set_status(Status(StatusCode.ERROR, run.error))
        whole.end(finished)
        exporter = OTLPSpanExporter(f"{self._url}/v1/traces", timeout=_SECONDS)
        return exporter.export(ended.get_finished_spans()) is SpanExportResult.SUCCESS

    def _send_metrics(self, metrics: Sequence[Metric], about: Resource) -> bool:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult

        reader = InMemoryMetricReader()
        provider = MeterProvider([reader], about, shutdown_on_exit=False)
        meter = provider.get_meter("fairshard")
        for metric in metrics:
            name = metric.name.removesuffix("_total")
            unit = _UNITS.get(name.rsplit("_", 1)[-1], "")
            create = (
                meter.create_observable_counter
                if metric.kind == "counter"
                else meter.create_observable_gauge
            )
            create(name, [_observed(metric)], unit, metric.help)
        found = reader.get_metrics_data()
        exporter = OTLPMetricExporter(f"{self._url}/v1/metrics", timeout=_SECONDS)
        return found is None or exporter.export(found) is MetricExportResult.SUCCESS


def collector_of(settings: Telemetry) -> Collector | None:
    """The collector of the configuration or, failing that, of OpenTelemetry's variable.

    Raises ConfigError where there is one and OpenTelemetry's packages are not installed.
    """
    url = settings.otlp_endpoint or os.environ.get(_ENDPOINT)
    return Collector(url) if url else None


def _observed(metric: Metric) -> CallbackT:
    from opentelemetry.metrics import Observation

    def observe(_: CallbackOptions) -> list[Observation]:
        return [Observation(value, dict(labels)) for labels, value in metric.values.items()]

    return observe
