"""Counters of a job, which its runner shows."""

from apache_beam.metrics.metric import Metrics


def count(name: str, number: int) -> None:
    """Add to a counter of fairshard's."""
    Metrics.counter("fairshard", name).inc(number)
