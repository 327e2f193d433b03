"""The commands that run the stages, apart or together.

Each imports what it does as it does it: a help page waits for none of it.
"""

import inspect
from pkgutil import resolve_name
from typing import Annotated, Literal, NamedTuple

import typer

from jobs.session.options import (
    ENGINE_OPTIONS,
    AsJson,
    ConfigPath,
    EngineName,
    JsonLogs,
    OutputUrl,
    SetKeys,
    json_log,
    log,
    new_run,
    options_of,
    overridden,
    read_checked,
    report,
)
from transforms.base.errors import UnmetError

app = typer.Typer()
PANEL = "Run"

Restart = Annotated[
    bool, typer.Option("--restart", help="Discard what is there of it, and do all again.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done and why, and do nothing.")
]
AllowUnmet = Annotated[
    bool,
    typer.Option("--allow-unmet", help="End with 0, not with 5, where what was asked is not met."),
]
_UNMET = (
    "done, unmet: what was asked for is not met, as the summary says; exit code 5, or 0 with "
    "--allow-unmet"
)


class _Stage(NamedTuple):
    """A command that runs stages: what shows its summary, "module:function", and its help."""

    show: str
    help: str


_STAGES = {
    "rebalance": _Stage(
        "jobs.run.rebalance:show",
        """Label, solve and resample as one job, then write the report.

        Examples: `fairshard rebalance config.yaml`,
        `fairshard rebalance config.yaml --output gs://bucket/out -- --runner DataflowRunner
        --project my-project --region europe-west4`
        """,
    ),
    "label": _Stage(
        "jobs.run.label:show",
        """Label every sample of the shards that are not labelled yet.

        Examples: `fairshard label config.yaml`, `fairshard label config.yaml --dry-run`,
        `fairshard label config.yaml -- --direct_num_workers=8`
        """,
    ),
    "solve": _Stage(
        "jobs.run.solve:show",
        """Reduce the labels to their statistics and solve M4 once for the corpus.

        Example: `fairshard solve config.yaml`
        """,
    ),
    "resample": _Stage(
        "jobs.session.summary:show",
        """Write the output shards, the manifest and the report that the plan asks for.

        Example: `fairshard resample config.yaml`
        """,
    ),
}


def _command(
    context: typer.Context,
    path: ConfigPath,
    keys: SetKeys = None,
    output: OutputUrl = None,
    engine: EngineName = None,
    restart: Restart = False,
    dry_run: DryRun = False,
    allow_unmet: AllowUnmet = False,
    as_json: AsJson = False,
    json_logs: JsonLogs = False,
) -> None:
    """Run the job of the command's name, or say what it would do, and print its summary."""
    from jobs.run import dry_run as rehearsal
    from jobs.run.running import run_command
    from jobs.session.engines import runner_for
    from jobs.session.resume import stages_of

    run, command = new_run(), str(context.command.name)
    stage, console = _STAGES[command], json_log(run) if json_logs else log()
    config = overridden(read_checked(path, keys), output, engine)
    if dry_run:
        report(rehearsal.run(config, stages_of(command, config), restart), rehearsal.show, as_json)
        return
    runner = runner_for(config, context.args, options_of(context))
    made = run_command(command, config, runner, console, run, restart)
    report(made, resolve_name(stage.show), as_json)
    if made.get("met") is False and not allow_unmet:
        raise UnmetError(_UNMET)


for _name, _stage in _STAGES.items():
    app.command(
        _name,
        help=inspect.cleandoc(_stage.help),
        context_settings=ENGINE_OPTIONS,
        rich_help_panel=PANEL,
    )(_command)


@app.command("gate", rich_help_panel=PANEL, context_settings=ENGINE_OPTIONS)
def gate_command(
    context: typer.Context,
    stage: Annotated[Literal["labels", "plan", "output"], typer.Argument(metavar="STAGE")],
    config: ConfigPath,
    keys: SetKeys = None,
    output: OutputUrl = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Check the labels, the plan or the output; exit with 4 where a critical expectation fails.

    Examples: `fairshard gate labels config.yaml`, `fairshard gate output config.yaml --json`
    """
    from jobs.run import gate
    from jobs.session.engines import runner_for
    from jobs.session.lease import leased

    settled = overridden(read_checked(config, keys), output, engine)
    runner = runner_for(settled, context.args, options_of(context))
    with leased(settled, new_run()):
        summary = gate.run(stage, settled, runner)
    report(summary, gate.show, as_json)
    gate.require(summary)
