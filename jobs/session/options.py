"""What the commands share: their arguments, and what is done with them.

What may be typed is said without what reads configurations: a help page waits for none of that.
"""

from __future__ import annotations

import logging
import sys
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console

from jobs.session.answers import answer
from jobs.session.console import console
from pipelines.registry import ENGINES
from transforms.base.errors import ConfigError, WrongKey
from transforms.base.local_paths import local_path
from transforms.base.logs import EventStream, JsonFormatter, WordsFormatter, log_to
from transforms.base.places import checked_output
from transforms.base.redaction import redacted_values
from transforms.base.visible import visible_values
from transforms.config.registry import Entry, Registry

if TYPE_CHECKING:
    from transforms.config.assignments import Assignment
    from transforms.config.sections import Config


def entry_of(
    registry: Registry[Any], load: Callable[[], None] | None = None
) -> Callable[[str], str]:
    """What takes the name of one of its entries, once they are loaded, from the command line."""

    def checked(name: str) -> str:
        if load is not None:
            load()
        try:
            entry: Entry = registry[name]
        except ConfigError as error:
            raise typer.BadParameter(str(error)) from error
        return entry.name

    return checked


ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="The configuration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")]
OutputUrl = Annotated[str | None, typer.Option("--output", help="In place of output.url.")]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        parser=entry_of(ENGINES),
        metavar=f"<{'|'.join(ENGINES)}>",
        help="In place of engine.name.",
    ),
]
JsonLogs = Annotated[
    bool, typer.Option("--json-logs", help="Log events as JSON, a line each, not progress.")
]
SetKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="In place of a key of the configuration, as its file would say it: balance.eta=0.5; "
        "again for more.",
    ),
]
ENGINE_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}
Show = Callable[[dict[str, Any], Console], None]
_LONGEST_LINE = 1000


def read_checked(path: Path, keys: Sequence[str | Assignment] | None = None) -> Config:
    """The configuration in a file, with `keys` (`balance.eta=0.5`) set; what it names is there."""
    from transforms.config.assignments import assignment
    from transforms.config.files import read_config
    from transforms.stages.registrations import load_registrations

    load_registrations()
    assignments = [assignment(key) if isinstance(key, str) else key for key in keys or ()]
    return read_config(path, assignments, lambda config: checked(config, str(path)))


def checked(config: Config, origin: str = "the configuration") -> Config:
    """`config`, whose engine and overrides name what there is; else ConfigError."""
    from transforms.config.files import wrong
    from transforms.config.schema import schema_of
    from transforms.m4.targets import targets_of

    try:
        ENGINES[config.engine.name]
    except ConfigError as error:
        raise wrong([WrongKey(str(error), ("engine", "name"))], origin) from error
    schema = schema_of(config)
    targets_of(schema.attributes, schema.labels, config.balance)
    return config


def overridden(config: Config, output: str | None, engine: str | None) -> Config:
    """`config` with what the command line says in place of it."""
    from transforms.config.sections import EngineConfig

    if output is not None:
        url = located(output)
        config = config.model_copy(update={"output": config.output.model_copy(update={"url": url})})
    if engine is not None and engine != config.engine.name:
        config = config.model_copy(update={"engine": EngineConfig(name=engine)})
    return config


def located(output: str, what: str = "output") -> str:
    """The URL of an output, or its path from the root; ConfigError where none can be there.

    `what` is to be there, in words.
    """
    if not output.strip():
        raise ConfigError(f"the {what} is empty: name a folder or a URL (is a variable not set?)")
    url = output if "://" in output else str(Path(local_path(output)).resolve())
    return checked_output(url, what)


def options_of(context: typer.Context) -> list[str]:
    """The options of the command that is run, as they are written."""
    return [name for parameter in context.command.params for name in parameter.opts]


def log() -> Console:
    """Where progress goes: standard error, with the warnings and errors of this process."""
    log_to(sys.stderr, WordsFormatter())
    return console(stderr=True)


def json_log(run: str) -> Console:
    """Where the progress of `run` goes: standard error, an event a line as JSON, like all else."""
    log_to(sys.stderr, JsonFormatter(run))
    logging.captureWarnings(True)
    return Console(file=cast(IO[str], EventStream()), width=_LONGEST_LINE, markup=False)


def new_run() -> str:
    """An id for a run."""
    return uuid.uuid4().hex[:12]


def report(values: dict[str, Any], show: Show, as_json: bool) -> None:
    """Print a summary, for programs or for people; without the secrets that URLs may carry."""
    values = redacted_values(values)
    if as_json:
        answer(values)
    else:
        show(visible_values(values), console())
