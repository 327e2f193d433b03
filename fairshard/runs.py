"""The commands that run stages, as functions of a configuration."""

import sys
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from rich.console import Console

from fairshard.summaries import (
    DriftSummary,
    ExportSummary,
    LabelSummary,
    OutputSummary,
    PlanSummary,
    PreviewSummary,
    TransferSummary,
    Verification,
    WhySummary,
)
from jobs.begin.preview import run as previewed
from jobs.begin.preview_size import SAMPLES
from jobs.look.export import run as exported
from jobs.look.named_output import NamedOutput, is_configuration
from jobs.look.verify import run as verified
from jobs.look.why import run as explanation
from jobs.run.drift import run as drifted
from jobs.run.running import run_command
from jobs.run.transfer import run as transferred
from jobs.session.engines import runner_for
from jobs.session.options import checked, located, new_run, read_checked
from jobs.session.resume import no_shards
from transforms.base.errors import ConfigError
from transforms.base.logs import logging_to
from transforms.base.redaction import redacted_values
from transforms.config.assignments import assignments_of
from transforms.config.files import config_in
from transforms.config.sections import Config
from transforms.stages.registrations import load_exporters, load_registrations
from transforms.storage.files import Storage, output_storage
from transforms.storage.shared_labels import opened

Configuration = Config | Mapping[str, Any] | str | PathLike[str]


def read_config(given: Configuration, *, set: Mapping[str, Any] | None = None) -> Config:
    """The configuration in a YAML file or in a mapping of the same keys; one that is read stays.

    Relative paths are taken from the file's folder, those in a mapping from the current one.
    `set` gives values in place of those of some keys: {"balance.eta": 0.5}. Raises ConfigError, one
    line a wrong key.

    Example:
        >>> config = read_config({
        ...     "input": {"shards": "corpus/{000..007}.tar"},
        ...     "attributes": {"gender": {"share_of": "group", "names": {
        ...         "woman": {"target": 0.5, "lexicon": ["woman", "women"]},
        ...         "man": {"target": 0.5, "lexicon": ["man", "men"]},
        ...     }}},
        ...     "labels": {"job": {"names": {"nurse": {"lexicon": ["nurse", "nurses"]}}}},
        ...     "balance": {"eta": 0.7},
        ...     "output": {"url": "balanced"},
        ... })
        >>> config.balance.eta, config.seed
        (0.7, 0)
        >>> read_config({"balance": {"eta": 0.5, "Q": -1}})
        Traceback (most recent call last):
        transforms.base.errors.ConfigError: the configuration is wrong:
          input: missing; it must be given
          attributes: missing; it must be given
          balance.Q: should be greater than 0, not -1
          output: missing; it must be given
    """
    if isinstance(given, Config):
        if set:
            raise ConfigError("a configuration that is read stays: set keys as it is read")
        return given
    assignments = assignments_of(set or {})
    if isinstance(given, Mapping):
        load_registrations()
        return checked(config_in(given, assignments))
    return read_checked(Path(given), assignments)


def preview(
    config: Configuration,
    samples: int = SAMPLES,
    *,
    html: str | PathLike[str] | None = None,
    quiet: bool = False,
) -> PreviewSummary:
    """Label a few samples, spread over the shards, as `fairshard preview` does; write nothing.

    `html` is where a page with pictures goes, if anywhere. What `quiet` says, `label` does.

    Example:
        >>> preview(config, samples=60, quiet=True).hits["thing.nurse"]
        16
    """
    page = None if html is None else Path(html)
    with logging_to(sys.stderr):
        found = previewed(read_config(config), samples, page, _console(quiet))
    return PreviewSummary.of(redacted_values(found))


def label(config: Configuration, *, restart: bool = False, quiet: bool = False) -> LabelSummary:
    """Label every sample of the shards that are not labelled yet, as `fairshard label` does.

    Of what is on file, what fits is kept: a run that was stopped goes on when it is called again.
    `restart` discards it first. Progress goes to standard error, unless `quiet`. Raises
    FairshardError in place of a traceback of the engine's.

    Example:
        >>> summary = label(config, quiet=True)
        >>> summary
        LabelSummary(shards=3, labelled_now=3, samples=300, rejected=0, output='.../balanced')
        >>> print(summary)
        3 shards labelled (3 in this run): 300 samples, 0 rejected
        labels: .../balanced/labels
    """
    return LabelSummary.of(_run("label", config, restart, quiet))


def solve(config: Configuration, *, restart: bool = False, quiet: bool = False) -> PlanSummary:
    """Count the labels, solve M4 once for the corpus and write the plan, as `fairshard solve` does.

    All labels must be there. What `restart` and `quiet` say, `label` does.

    Example:
        >>> plan = solve(config, quiet=True)
        >>> plan.certificate.gap < 1e-6
        True
        >>> print(plan)
        300 samples in 36 patterns at eta = 0.5 (relative gap ...)
        representation bias  0.2243 ± 0.0271 before, 0.00... after, as drawn (gender.woman); ...
        association bias     0.3277 ± 0.0631 before, 0.0... after, as drawn (gender...
        Everything asked for is met, as drawn.
        plan: .../balanced/plan/plan.json
    """
    return PlanSummary.of(_run("solve", config, restart, quiet))


def resample(config: Configuration, *, restart: bool = False, quiet: bool = False) -> OutputSummary:
    """Write the shards, the manifest and the report that the plan asks for: `fairshard resample`.

    Raises StaleError where the plan was made from other inputs. What `restart` and `quiet` say,
    `label` does.

    Example:
        >>> output = resample(config, quiet=True)
        >>> output.read, output.kept + output.dropped, output.rejected
        (300, 300, 0)
        >>> output.bias["RB"].status
        'met'
    """
    return OutputSummary.of(_run("resample", config, restart, quiet))


def rebalance(
    config: Configuration, *, restart: bool = False, rebuild: bool = False, quiet: bool = False
) -> OutputSummary:
    """Label, solve and resample as one job, with the gates between, as `fairshard rebalance` does.

    With `output.mode` "append", the shards that the output has not seen are added to it; `rebuild`
    makes one that has grown anew. An output that misses what was asked for is no error: see `met`.
    Raises GateError where a critical expectation fails. What `restart` and `quiet` say, `label`
    does.

    Example:
        >>> output = rebalance(config, quiet=True)
        >>> output.met, output.verdict
        (True, 'Everything asked for is met.')
    """
    read = read_config(config)
    if read.input.tables:
        raise ConfigError(f"{no_shards(read)}; call label and solve in place of rebalance")
    return OutputSummary.of(_run("rebalance", read, restart, quiet, rebuild))


def drift(config: Configuration, *, least: float = 0.0, quiet: bool = False) -> DriftSummary:
    """How far a corpus that grew is from its plan, and what to do, as `fairshard drift` says it.

    Labels what is new, solves nothing and writes no plan. `least`: the share of all samples that
    new ones have to be to be worth a run. What `quiet` says, `label` does.

    Example:
        >>> drift(config, quiet=True)
        DriftSummary(advice='nothing', why=('the input has no shard that is not written from',))
    """
    if not 0 <= least <= 1:
        raise ConfigError(f"least is a share of all samples, from 0 to 1, not {least}")
    read, console = read_config(config), _console(quiet)
    with logging_to(sys.stderr):
        found = drifted(read, runner_for(read), console, new_run(), least)
    return DriftSummary.of(redacted_values(found))


def transfer(
    plan: str | PathLike[str],
    config: Configuration,
    *,
    check: bool = False,
    restart: bool = False,
    quiet: bool = False,
) -> TransferSummary:
    """A plan of another corpus of the same names on this one, as `fairshard transfer` applies it.

    `plan` is its output (a folder, a URL or a .yaml file) or a plan.json. `check`: only measure, by
    the labels that are there, and write nothing. `restart`: replace a plan that was solved for this
    corpus. Bounds that are missed are no error: see `met`. What `quiet` says, `label` does.

    Example:
        >>> found = transfer("balanced", config, check=True, quiet=True)
        >>> found.met, found.new_patterns, found.plan
        (True, 0.0, None)
    """
    read, console = read_config(config), _console(quiet)
    with logging_to(sys.stderr):
        runner = runner_for(read)
        found = transferred(fspath(plan), read, runner, console, new_run(), check, restart)
    return TransferSummary.of(redacted_values(found))


def verify(
    output: Configuration,
    *,
    sample: int | None = None,
    inputs: bool = True,
    quiet: bool = False,
) -> Verification:
    """Derive an output again, by code that shares none with the solver, as `fairshard verify` does.

    `output` is its folder or URL, or its configuration (an object, or a .yaml file), which must be
    the one that it was made with. `sample`: read only so many of its shards. `inputs`: whether the
    samples of the input are counted. A difference is no error: see `agrees` and `checks`.

    Example:
        >>> verify(config, quiet=True).agrees
        True
    """
    storage, config = _output_of(output)
    found = verified(storage, config, "the configuration", sample, inputs, _console(quiet))
    return Verification.of(redacted_values(found))


def why(output: Configuration, *, seconds: float | None = None, quiet: bool = False) -> WhySummary:
    """Why a plan misses something, and what would do instead, as `fairshard why` says it.

    `output` is its folder or URL, or its configuration (an object, or a .yaml file). What is known
    is gone on from and put on file, for no longer than so many `seconds`.

    Example:
        >>> why(config, quiet=True)
        WhySummary(missed=(), complete=True, conflict=(), rate=None)
    """
    storage, _ = _output_of(output)
    return WhySummary.of(redacted_values(explanation(storage, seconds, _console(quiet))))


def export(
    output: Configuration,
    format: str,
    *,
    to: str | PathLike[str] | None = None,
    quiet: bool = False,
) -> ExportSummary:
    """Hand an output over in a format that other tools read, as `fairshard export` does.

    `output` is its folder or URL, or its configuration (an object, or a .yaml file). Files go `to`
    a folder or URL or, without it, to the place in the output where their reader looks; those that
    are there, of the same plan and labels, are kept.

    Example:
        >>> export(config, "weights", quiet=True)
        ExportSummary(counts={'samples': 300}, files=3, written=3, bytes=..., to='.../weights')
    """
    load_exporters()
    storage, config = _output_of(output)
    target = storage.url if config is None else "the configuration"
    named = NamedOutput(target, storage, config, target)
    with logging_to(sys.stderr):
        found = exported(named, format, None if to is None else fspath(to), _console(quiet))
    return ExportSummary.of(redacted_values(found))


def _output_of(output: Configuration) -> tuple[Storage, Config | None]:
    """The output that is named, or that its configuration names, and that."""
    if isinstance(output, Config | Mapping) or is_configuration(fspath(output)):
        config = read_config(output)
        return output_storage(config.output), config
    return opened(located(fspath(output)), {}), None


def _run(
    command: str, given: Configuration, restart: bool, quiet: bool, rebuild: bool = False
) -> dict[str, Any]:
    config, console = read_config(given), _console(quiet)
    with logging_to(sys.stderr):
        runner = runner_for(config)
        found = run_command(command, config, runner, console, new_run(), restart, rebuild)
    return dict(redacted_values(found))


def _console(quiet: bool) -> Console:
    """Where progress goes: standard error; in a notebook, which is no terminal, as lines."""
    terminal = False if Console().is_jupyter else None
    return Console(
        stderr=True, markup=False, quiet=quiet, force_jupyter=False, force_terminal=terminal
    )
