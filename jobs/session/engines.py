"""The engine that runs the stages."""

from collections.abc import Sequence
from typing import Protocol

from transforms.base.errors import ConfigError
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.shards.finding import Shard


class Runner(Protocol):
    """An engine: each stage reads and writes files only, and all can be one job."""

    def label(self, config: Config, shards: Sequence[Shard]) -> None:
        """Write the label tables of `shards`."""

    def solve(self, config: Config, records: Sequence[LabelRecord]) -> None:
        """Count the patterns of labelled shards and write the plan."""

    def resample(self, config: Config, records: Sequence[LabelRecord], plan: Plan) -> None:
        """Write the output shards and the manifest that `plan` asks for."""

    def rebalance(self, config: Config, shards: Sequence[Shard]) -> None:
        """The three stages as one job."""


def runner_for(config: Config, arguments: Sequence[str] = ()) -> Runner:
    """The engine that `config` names, with its options and then `arguments`."""
    options = [*_as_arguments(config), *arguments]
    if config.engine.name == "beam":
        from pipelines.beam.engine import BeamEngine

        return BeamEngine(options)
    try:
        from pipelines.spark.engine import SparkEngine
    except ImportError as error:
        raise ConfigError(
            "the spark engine needs pyspark: pip install 'fairshard[spark]'"
        ) from error
    return SparkEngine(options)


def _as_arguments(config: Config) -> list[str]:
    return [
        f"--{key}" if value is True else f"--{key}={value}"
        for key, value in config.engine.options.items()
        if value is not False
    ]
