"""What the commands share: their arguments, and what is done with them."""

import json
import logging
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO, Annotated, Any, Literal, cast

import typer
from rich.console import Console

from transforms.base.local_paths import local_path
from transforms.base.logs import EventStream, JsonFormatter, WordsFormatter, log_to
from transforms.base.places import checked_output
from transforms.base.redaction import redacted_values
from transforms.base.visible import visible_values
from transforms.config.files import read_config
from transforms.config.schema import schema_of
from transforms.config.sections import Config, Engine
from transforms.m4.targets import targets_of

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="The configuration file.")]
OutputPath = Annotated[str, typer.Argument(metavar="OUTPUT", help="The output folder or URL.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")]
OutputUrl = Annotated[str | None, typer.Option("--output", help="In place of output.url.")]
EngineName = Annotated[
    Literal["beam", "spark"] | None, typer.Option("--engine", help="In place of engine.name.")
]
JsonLogs = Annotated[
    bool, typer.Option("--json-logs", help="Log events as JSON, a line each, not progress.")
]
ENGINE_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}
Show = Callable[[dict[str, Any], Console], None]
_LONGEST_LINE = 1000


def read_checked(path: Path) -> Config:
    """The configuration in a file, whose overrides name what there is."""
    return checked(read_config(path))


def checked(config: Config) -> Config:
    """`config`, whose overrides name what there is; else ConfigError."""
    schema = schema_of(config)
    targets_of(schema.attributes, schema.labels, config.balance)
    return config


def overridden(
    config: Config, output: str | None, engine: Literal["beam", "spark"] | None
) -> Config:
    """`config` with what the command line says in place of it."""
    if output is not None:
        url = located(output)
        config = config.model_copy(update={"output": config.output.model_copy(update={"url": url})})
    if engine is not None and engine != config.engine.name:
        config = config.model_copy(update={"engine": Engine(name=engine)})
    return config


def located(output: str) -> str:
    """The URL of an output, or its path from the root; ConfigError where none can be there."""
    url = output if "://" in output else str(Path(local_path(output)).resolve())
    return checked_output(url)


def log() -> Console:
    """Where progress goes: standard error, with the warnings and errors of this process."""
    log_to(sys.stderr, WordsFormatter())
    return Console(stderr=True, markup=False)


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
        print(json.dumps(values, ensure_ascii=False))
    else:
        show(visible_values(values), Console(markup=False))
