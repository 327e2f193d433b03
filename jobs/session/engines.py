"""The engine that runs the stages, as a configuration or the command line names it."""

from collections.abc import Sequence

from pipelines.registry import ENGINES
from transforms.config.sections import Config
from transforms.stages.engine import Engine


def runner_for(config: Config, arguments: Sequence[str] = ()) -> Engine:
    """The engine that `config` names, with its options and then `arguments`."""
    return ENGINES[config.engine.name].engine([*_as_arguments(config), *arguments])


def _as_arguments(config: Config) -> list[str]:
    return [
        f"--{key}" if value is True else f"--{key}={value}"
        for key, value in config.engine.options.items()
        if value is not False
    ]
