"""The engines there are: a folder beside this module for each, and a line in it.

To name them imports none: neither Beam nor Spark is loaded before it is chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pkgutil import resolve_name

from transforms.base.errors import ConfigError
from transforms.config.registry import Registry
from transforms.stages.engine import Engine


@dataclass(frozen=True)
class EngineEntry:
    """An engine that can be chosen.

    at: its class, "module:Class", which takes the engine's own arguments. extra: the one of
    fairshard's that installs what it needs; "" where fairshard itself does. java: it runs on Java.
    """

    name: str
    about: str
    at: str
    extra: str = ""
    java: bool = False

    @property
    def install(self) -> str:
        """The command that installs what it needs."""
        return f"pip install 'fairshard[{self.extra}]'" if self.extra else "pip install fairshard"

    def engine(self, arguments: Sequence[str] = ()) -> Engine:
        """The engine with its own `arguments`; ConfigError where what it needs is not installed."""
        try:
            made = resolve_name(self.at)
        except ImportError as error:
            raise ConfigError(
                f"the {self.name} engine needs {error.name or error}: {self.install}"
            ) from error
        engine: Engine = made(arguments)
        return engine


ENGINES: Registry[EngineEntry] = Registry("engine")
ENGINES.register(
    EngineEntry("beam", "Apache Beam, on any of its runners", "pipelines.beam.engine:BeamEngine")
)
ENGINES.register(
    EngineEntry("spark", "Apache Spark", "pipelines.spark.engine:SparkEngine", "spark", java=True)
)
