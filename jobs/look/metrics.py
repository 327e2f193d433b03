"""The metrics of a run for programs."""

from collections.abc import Sequence
from typing import Any

from transforms.outcome.prometheus import Metric
from transforms.storage.files import Storage


def in_values(metrics: Sequence[Metric], storage: Storage) -> dict[str, Any]:
    """The metrics of the run in `storage`, without those that have no value."""
    return {
        "output": storage.url,
        "metrics": [
            {
                "name": metric.name,
                "kind": metric.kind,
                "help": metric.help,
                "values": [
                    {"labels": dict(at), "value": value} for at, value in metric.values.items()
                ],
            }
            for metric in metrics
            if metric.values
        ],
    }
