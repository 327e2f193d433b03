"""Metrics, and the text in which Prometheus reads them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import generate_latest
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Metric:
    """A metric: its values by labels, in base units.

    A name ends in its unit (`_seconds`, `_bytes`, `_ratio`), a counter's in `_total`, as in
    https://prometheus.io/docs/practices/naming.
    """

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    values: Mapping[Labels, float]


def counter(name: str, help: str, values: Mapping[Labels, float] | float) -> Metric:
    """A metric that only grows while a run goes on."""
    return Metric(name, "counter", help, _by_labels(values))


def gauge(name: str, help: str, values: Mapping[Labels, float] | float) -> Metric:
    """A metric that goes up and down."""
    return Metric(name, "gauge", help, _by_labels(values))


def labelled(**labels: str) -> Labels:
    """Labels, in the order given."""
    return tuple(labels.items())


def prometheus_text(metrics: Iterable[Metric], common: Labels = ()) -> str:
    """The text exposition format; every value has the `common` labels.

    A metric without values is left out.
    """
    return generate_latest(_Families(metrics, common)).decode()


@dataclass(frozen=True)
class _Families(Collector):
    """Metrics as the client library collects them."""

    metrics: Iterable[Metric]
    common: Labels

    def collect(self) -> Iterator[Family]:
        """A family a metric."""
        for metric in self.metrics:
            if metric.values:
                family = Family(metric.name.removesuffix("_total"), metric.help, metric.kind)
                for at, value in metric.values.items():
                    family.add_sample(metric.name, dict(self.common + at), value)
                yield family


def _by_labels(values: Mapping[Labels, float] | float) -> Mapping[Labels, float]:
    return values if isinstance(values, Mapping) else {(): values}
