"""Metrics, and the text in which Prometheus reads them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

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
    """The text exposition format, version 0.0.4; every value has the `common` labels.

    A metric without values is left out.

    See https://prometheus.io/docs/instrumenting/exposition_formats.
    """
    lines = []
    for metric in metrics:
        if metric.values:
            lines += [
                f"# HELP {metric.name} {_escaped(metric.help)}",
                f"# TYPE {metric.name} {metric.kind}",
                *(
                    f"{metric.name}{_braced(common + at)} {_number(v)}"
                    for at, v in metric.values.items()
                ),
            ]
    return "".join(f"{line}\n" for line in lines)


def _by_labels(values: Mapping[Labels, float] | float) -> Mapping[Labels, float]:
    return values if isinstance(values, Mapping) else {(): values}


def _braced(labels: Labels) -> str:
    inner = ",".join(f'{name}="{_escaped(value, quoted=True)}"' for name, value in labels)
    return f"{{{inner}}}" if inner else ""


def _escaped(text: str, quoted: bool = False) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quoted else text


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return (
        str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
    )
