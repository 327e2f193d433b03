"""Beam's runners: the names they go by, and what they need before they run."""

import io
import os
from contextlib import redirect_stderr
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import grpc
from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    PortableOptions,
    PrismRunnerOptions,
    StandardOptions,
)
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.portability.prism_runner import PrismJobServer
from apache_beam.runners.runner import create_runner

from transforms.base.errors import (
    ConfigError,
    FairshardError,
    UnknownOptionError,
    error_in,
    reason_of,
)

_PRISM = "PrismRunner"
_BEAM = "apache_beam."
_IN_MEMORY = "FnApiRunner"
_IN_NOTEBOOKS = "InteractiveRunner"
_LOCAL = ("DirectRunner", "SwitchingDirectRunner")
_LACKING = ("Unable to fetch", "You must specify a --job_endpoint")
_NO_PROXY = ("no_grpc_proxy", "no_proxy", "NO_PROXY")  # as gRPC looks for it
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_FETCH_SECONDS = 10.0


def check_values(options: PipelineOptions) -> None:
    """Raise ConfigError where Beam, which would end the process, does not take a value."""
    with redirect_stderr(io.StringIO()) as said:
        try:
            options.get_all_options()
        except SystemExit as ended:
            why = said.getvalue().rpartition("error: ")[2].strip()
            raise ConfigError(f"Beam does not take its options: {why}") from ended


def check_known(options: PipelineOptions) -> None:
    """Raise ConfigError where Beam does not know an option."""
    known = options.get_all_options()
    unknown = options.get_all_options(retain_unknown_options=True).keys() - known.keys()
    if unknown:
        option = f"--{min(unknown)}"
        raise UnknownOptionError(
            f"unknown option {option}: neither fairshard nor Beam has it; see `fairshard rebalance "
            "--help` and Beam's pipeline options",
            option,
        )


def runner_of(options: PipelineOptions) -> str:
    """The runner asked for, as Beam spells it: by its name in any case, `Runner` left out or not.

    The path of a class is itself; another name is a ConfigError, and so is the runner that shows
    what a notebook's cells hold: it runs no pipeline of others.
    """
    given = options.view_as(StandardOptions).runner or _LOCAL[0]
    names = {name.lower(): name for name in StandardOptions.KNOWN_RUNNER_NAMES}
    name = given.lower().rpartition(".")[2] if given.startswith(_BEAM) else given.lower()
    found = names.get(name) or names.get(f"{name}runner")
    if found is None and "." not in given:
        known = ", ".join(sorted({*names.values()} - {_IN_NOTEBOOKS}))
        raise ConfigError(f"Beam has no runner {given}: --runner is one of {known}")
    if found == _IN_NOTEBOOKS:
        raise ConfigError(
            f"Beam's {found} is for the cells of a notebook, and cannot run fairshard: leave "
            "--runner out for Beam's local runner, in a notebook too"
        )
    return found or str(given)


def is_local(runner: str, options: PipelineOptions) -> bool:
    """Whether worker processes of our own do the work.

    FnApiRunner has none, unless asked for; threads that are workers are a ConfigError.
    """
    mode = options.view_as(DirectOptions).direct_running_mode
    if runner not in (*_LOCAL, _IN_MEMORY):
        return False
    if mode == "multi_threading":
        raise ConfigError(
            "--direct_running_mode=multi_threading is not for fairshard, whose local workers are "
            "processes: leave it out"
        )
    if options.view_as(DirectOptions).direct_num_workers < 0:
        raise ConfigError(
            "--direct_num_workers is a number of processes: 0, for one a core, or more"
        )
    return runner in _LOCAL or mode == "multi_processing"


def check_complete(runner: str, options: PipelineOptions) -> None:
    """Raise ConfigError where a runner cannot be loaded, or wants options that are not given."""
    try:
        lacks = PipelineOptionsValidator(options, create_runner(runner)).validate()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"Beam's {runner} cannot be used: {reason_of(error)}") from error
    if lacks:
        raise ConfigError(f"Beam's {runner} cannot be used: {' '.join(map(str, lacks))}")


def prepare(runner: str, options: PipelineOptions) -> None:
    """Make ready for a run that is not local; FairshardError where that cannot be."""
    _reach_this_machine()
    if runner == _PRISM:
        _require_prism(options)


def told(error: Exception, runner: str) -> Exception:
    """What ended a job: the sentence of a worker or of a runner that lacks something; or itself."""
    said = str(error)
    if (sentence := error_in(said)) is not None:
        return sentence
    if isinstance(error, grpc.FutureTimeoutError):
        return FairshardError(
            f"no job service answers Beam's {runner}: start it, or correct --job_endpoint"
        )
    if said.startswith(_LACKING):
        return FairshardError(f"Beam's {runner} cannot be used: {reason_of(error)}")
    return error


def _require_prism(options: PipelineOptions) -> None:
    """Raise FairshardError where Prism has to be fetched and cannot be.

    Beam would wait for the network as long as that takes, and then end in a traceback.
    """
    location = options.view_as(PrismRunnerOptions).prism_location
    if options.view_as(PortableOptions).job_endpoint:
        return
    try:
        source = PrismJobServer(options).path_to_binary()
    except ValueError as error:
        raise ConfigError(f"--prism_location={location}: {reason_of(error)}") from error
    cached = Path(PrismJobServer.BIN_CACHE, Path(source).name)
    if not source.startswith("http") or (location is None and cached.exists()):
        return
    try:
        urlopen(source, timeout=_FETCH_SECONDS).close()
    except (OSError, HTTPException) as error:
        cause = error.reason if isinstance(error, URLError) else error
        reason = reason_of(cause) if isinstance(cause, Exception) else str(error)
        raise FairshardError(
            f"Prism cannot be fetched from {source} ({reason}): give its file "
            "(-- --prism_location=PATH) or one that runs (-- --job_endpoint=HOST:PORT), or leave "
            "--runner out for Beam's local runner"
        ) from error


def _reach_this_machine() -> None:
    """Have gRPC leave out a proxy to this machine's own services, as Beam takes for granted."""
    given = next((os.environ[name] for name in _NO_PROXY if name in os.environ), "")
    hosts = [host.strip() for host in given.split(",") if host.strip()]
    os.environ[_NO_PROXY[0]] = ",".join(dict.fromkeys([*hosts, *_THIS_MACHINE]))
