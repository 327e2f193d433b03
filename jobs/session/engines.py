"""The engine that runs the stages, as a configuration or the command line names it."""

from collections.abc import Sequence

from pipelines.registry import ENGINES
from transforms.base.errors import ConfigError, UnknownOptionError
from transforms.base.nearest import did_you_mean
from transforms.config.sections import Config
from transforms.stages.engine import Engine


def runner_for(config: Config, arguments: Sequence[str] = (), own: Sequence[str] = ()) -> Engine:
    """The engine that `config` names, with its options and then `arguments`.

    Raises ConfigError where it does not know one; one of the command's `own` may have been meant.
    """
    try:
        return ENGINES[config.engine.name].engine([*_as_arguments(config), *arguments])
    except UnknownOptionError as error:
        raise ConfigError(f"{error}{did_you_mean(error.option.partition('=')[0], own)}") from error


def _as_arguments(config: Config) -> list[str]:
    return [
        f"--{key}" if value is True else f"--{key}={value}"
        for key, value in config.engine.options.items()
        if value is not False
    ]
