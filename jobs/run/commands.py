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
from transforms.base.errors import ConfigError, UnmetError

app = typer.Typer()
PANEL = "Run"

Restart = Annotated[
    bool, typer.Option("--restart", help="Discard what is there of it, and do all again.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done and why, and do nothing.")
]
Append = Annotated[
    bool,
    typer.Option(
        "--append",
        help="Add the shards that the output has not seen to what is written (output.mode: "
        "append).",
    ),
]
Rebuild = Annotated[
    bool,
    typer.Option(
        "--rebuild", help="Make an output that has grown anew, as one corpus; labels are kept."
    ),
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
    append: Append = False,
    rebuild: Rebuild = False,
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
    from jobs.session.growing import appending
    from jobs.session.resume import stages_of

    run, command = new_run(), str(context.command.name)
    stage, console = _STAGES[command], json_log(run) if json_logs else log()
    config = overridden(read_checked(path, keys), output, engine)
    if append and (rebuild or restart):
        other = "--rebuild" if rebuild else "--restart"
        raise ConfigError(
            f"--append keeps what is written, and {other} makes it anew: give one of them"
        )
    if append:
        config = appending(config)
    if dry_run:
        planned = rehearsal.run(config, stages_of(command, config), restart, rebuild)
        report(planned, rehearsal.show, as_json)
        return
    runner = runner_for(config, context.args, options_of(context))
    made = run_command(command, config, runner, console, run, restart, rebuild)
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


@app.command("drift", rich_help_panel=PANEL, context_settings=ENGINE_OPTIONS)
def drift_command(
    context: typer.Context,
    config: ConfigPath,
    least: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Advise nothing while new samples are less than this share of all."
        ),
    ] = 0.0,
    keys: SetKeys = None,
    output: OutputUrl = None,
    engine: EngineName = None,
    as_json: AsJson = False,
    json_logs: JsonLogs = False,
) -> None:
    """Say how far a corpus that grew is from its plan: append, rebuild, or do nothing.

    Shards that the output was not made from are labelled; nothing is solved or written.

    Examples: `fairshard drift config.yaml`, `fairshard drift config.yaml --least 0.01 --json`
    """
    from jobs.run import drift
    from jobs.session.engines import runner_for

    settled, run_id = overridden(read_checked(config, keys), output, engine), new_run()
    runner = runner_for(settled, context.args, options_of(context))
    console = json_log(run_id) if json_logs else log()
    report(drift.run(settled, runner, console, run_id, least), drift.show, as_json)


@app.command("transfer", rich_help_panel=PANEL, context_settings=ENGINE_OPTIONS)
def transfer_command(
    context: typer.Context,
    plan: Annotated[
        str, typer.Argument(metavar="PLAN", help="An output with a plan, or its plan.json.")
    ],
    config: ConfigPath,
    check: Annotated[
        bool,
        typer.Option("--check", "--dry-run", help="Measure it on labels that are there, no more."),
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Replace a plan that was solved for this corpus.")
    ] = False,
    allow_unmet: AllowUnmet = False,
    keys: SetKeys = None,
    output: OutputUrl = None,
    engine: EngineName = None,
    as_json: AsJson = False,
    json_logs: JsonLogs = False,
) -> None:
    """Apply a plan to another corpus of the same names: the bias that results, then its plan.

    The corpus is labelled; `fairshard resample` then writes by the plan.

    Examples: `fairshard transfer rebalanced other.yaml --check`,
    `fairshard transfer s3://bucket/out/plan/plan.json other.yaml`
    """
    from jobs.run import transfer
    from jobs.session.engines import runner_for

    settled, run_id = overridden(read_checked(config, keys), output, engine), new_run()
    runner = runner_for(settled, context.args, options_of(context))
    console = json_log(run_id) if json_logs else log()
    made = transfer.run(plan, settled, runner, console, run_id, check, restart)
    report(made, transfer.show, as_json)
    if made["written"] and not made["met"] and not allow_unmet:
        raise UnmetError(_UNMET)


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
