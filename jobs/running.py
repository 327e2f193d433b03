"""The commands that run the stages, apart or together."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from jobs import label, preview, rebalance, resample, solve, summary
from jobs.engines import runner_for
from jobs.leases import leased
from jobs.options import (
    AsJson,
    ConfigPath,
    EngineName,
    JsonLogs,
    OutputUrl,
    Show,
    json_log,
    log,
    new_run,
    overridden,
    read_checked,
    report,
)
from jobs.restart import discard, discards_of
from jobs.runs import recorded
from jobs.saying import say
from jobs.work import STAGES_OF
from transforms.config import Config
from transforms.storage import output_storage

app = typer.Typer()
_ENGINE_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}

Restart = Annotated[
    bool, typer.Option("--restart", help="Discard what is there of it, and do all again.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done and why, and do nothing.")
]


@app.command("label", context_settings=_ENGINE_OPTIONS)
def label_command(
    context: typer.Context,
    config: ConfigPath,
    output: OutputUrl = None,
    engine: EngineName = None,
    restart: Restart = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    json_logs: JsonLogs = False,
) -> None:
    """Label every sample of the shards that are not labelled yet.

    Examples: `fairshard label config.yaml`, `fairshard label config.yaml --dry-run`,
    `fairshard label config.yaml -- --direct_num_workers=8`
    """
    asked = _Asked(context, config, output, engine, restart, dry_run, as_json, json_logs)
    asked.run(label.run, label.show)


@app.command("solve", context_settings=_ENGINE_OPTIONS)
def solve_command(
    context: typer.Context,
    config: ConfigPath,
    output: OutputUrl = None,
    engine: EngineName = None,
    restart: Restart = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    json_logs: JsonLogs = False,
) -> None:
    """Reduce the labels to their statistics and solve M4 once for the corpus.

    Example: `fairshard solve config.yaml`
    """
    asked = _Asked(context, config, output, engine, restart, dry_run, as_json, json_logs)
    asked.run(solve.run, solve.show)


@app.command("resample", context_settings=_ENGINE_OPTIONS)
def resample_command(
    context: typer.Context,
    config: ConfigPath,
    output: OutputUrl = None,
    engine: EngineName = None,
    restart: Restart = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    json_logs: JsonLogs = False,
) -> None:
    """Write the output shards, the manifest and the report that the plan asks for.

    Example: `fairshard resample config.yaml`
    """
    asked = _Asked(context, config, output, engine, restart, dry_run, as_json, json_logs)
    asked.run(resample.run, summary.show)


@app.command("rebalance", context_settings=_ENGINE_OPTIONS)
def rebalance_command(
    context: typer.Context,
    config: ConfigPath,
    output: OutputUrl = None,
    engine: EngineName = None,
    restart: Restart = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    json_logs: JsonLogs = False,
) -> None:
    """Label, solve and resample as one job, then write the report.

    Examples: `fairshard rebalance config.yaml`,
    `fairshard rebalance config.yaml --output gs://bucket/out -- --runner DataflowRunner
    --project my-project --region europe-west4`
    """
    asked = _Asked(context, config, output, engine, restart, dry_run, as_json, json_logs)
    asked.run(rebalance.run, summary.show)


@dataclass(frozen=True)
class _Asked:
    """What the command line of a stage asks for."""

    context: typer.Context
    path: Path
    output: str | None
    engine: Literal["beam", "spark"] | None
    restart: bool
    dry_run: bool
    as_json: bool
    json_logs: bool

    def run(self, job: Callable[..., dict[str, Any]], show: Show) -> None:
        """Run the job, or say what it would do, and print its summary."""
        run, command = new_run(), str(self.context.command.name)
        console = json_log(run) if self.json_logs else log()
        config = overridden(read_checked(self.path), self.output, self.engine)
        if self.dry_run:
            seen = preview.run(config, STAGES_OF[command], self.restart)
            report(seen, preview.show, self.as_json)
            return
        runner = runner_for(config, self.context.args)
        with leased(config, run), recorded(config, command, run):
            if self.restart:
                _discard(config, STAGES_OF[command], console)
            found = job(config, runner, console)
        report(found, show, self.as_json)


def _discard(config: Config, stages: tuple[str, ...], console: Console) -> None:
    storage = output_storage(config.output)
    discards = discards_of(stages, storage)
    for entry in discards:
        say(console, entry.line)
    discard(discards, storage)
