"""The commands on an output: how far is it, what failed, what does it hold, is it right?

Each imports what it does as it does it: a help page waits for none of it.
"""

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

from jobs.look.named_output import output_named
from jobs.session.completed_help import completed_by, entries, tell
from jobs.session.console import console
from jobs.session.options import AsJson, OutputUrl, SetKeys, entry_of, log, report
from transforms.config.exporters import EXPORTERS
from transforms.stages.registrations import load_exporters

app = typer.Typer()
PANEL = "Look"

Target = Annotated[
    str,
    typer.Argument(metavar="OUTPUT|CONFIG", help="An output folder or URL, or its configuration."),
]
StorageConfig = Annotated[
    Path | None,
    typer.Option("--config", help="Where storage options are taken from, for an OUTPUT."),
]


@app.command("status", rich_help_panel=PANEL)
def status_command(
    target: Target,
    config: StorageConfig = None,
    keys: SetKeys = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it until the run has ended.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say how far a run is, from its files alone: also while it goes on elsewhere.

    Examples: `fairshard status rebalanced`, `fairshard status config.yaml --watch`
    """
    from jobs.look import status

    storage = output_named(target, config, keys).begun()
    if watch and not as_json:
        status.watch(storage, console())
    else:
        report(status.run(storage), status.show, as_json)


@app.command("failed", rich_help_panel=PANEL)
def failed_command(
    target: Target,
    config: StorageConfig = None,
    keys: SetKeys = None,
    as_json: AsJson = False,
) -> None:
    """Say what failed or was rejected, why, how often, and how to try it again.

    Examples: `fairshard failed rebalanced`, `fairshard failed config.yaml --json`
    """
    from jobs.look import failed

    report(failed.run(output_named(target, config, keys).begun()), failed.show, as_json)


@app.command("summary", rich_help_panel=PANEL)
def summary_command(
    target: Target,
    config: StorageConfig = None,
    keys: SetKeys = None,
    output: OutputUrl = None,
    as_json: AsJson = False,
) -> None:
    """Say again what a run ended with or, before there is an output, what its plan promises.

    Examples: `fairshard summary rebalanced`, `fairshard summary config.yaml`
    """
    from jobs.look import overview

    found = output_named(target, config, keys, output).readable()
    report(overview.run(found), overview.show, as_json)


@app.command("why", rich_help_panel=PANEL)
def why_command(
    target: Target,
    config: StorageConfig = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, help="Look for it no longer than that.")
    ] = None,
    keys: SetKeys = None,
    output: OutputUrl = None,
    as_json: AsJson = False,
) -> None:
    """Say why a plan misses something and what would do, looking on where solving left off.

    Examples: `fairshard why rebalanced`, `fairshard why config.yaml --seconds 60`
    """
    from jobs.look import why

    found = output_named(target, config, keys, output).begun()
    report(why.run(found, seconds, log()), why.show, as_json)


@app.command("report", rich_help_panel=PANEL)
def report_command(
    target: Target,
    config: StorageConfig = None,
    keys: SetKeys = None,
    as_json: AsJson = False,
) -> None:
    """Build the report's page again from the artefacts of an output.

    Examples: `fairshard report rebalanced`, `fairshard report config.yaml`
    """
    from transforms.report.page import write_report

    found = output_named(target, config, keys)
    page = {"report": write_report(found.readable(), found.input_options)}
    report(page, lambda made, shown: shown.print(f"report: {made['report']}"), as_json)


def _name_formats(command: TyperCommand) -> None:
    load_exporters()
    tell(command, "name", entries(EXPORTERS, EXPORTERS))


@app.command("export", rich_help_panel=PANEL, cls=completed_by(_name_formats))
def export_command(
    target: Target,
    name: Annotated[
        str,
        typer.Argument(parser=entry_of(EXPORTERS, load_exporters), metavar="FORMAT"),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="URL", help="A folder or URL, in place of where its reader looks."
        ),
    ] = None,
    config: StorageConfig = None,
    keys: SetKeys = None,
    output: OutputUrl = None,
    as_json: AsJson = False,
) -> None:
    """Hand an output over in a format that other tools read; only some need written shards.

    Examples: `fairshard export rebalanced weights`, `fairshard export config.yaml datacomp --to
    s3://bucket/subsets`
    """
    from jobs.look import export

    found = output_named(target, config, keys, output)
    report(export.run(found, name, to, log()), export.show, as_json)


@app.command("metrics", rich_help_panel=PANEL)
def metrics_command(
    target: Target,
    config: StorageConfig = None,
    keys: SetKeys = None,
    as_json: AsJson = False,
) -> None:
    """Print the metrics of a run, also while it goes on, as Prometheus reads them.

    Examples: `fairshard metrics rebalanced`, `fairshard metrics s3://bucket/out --config
    config.yaml`
    """
    from jobs.look import metrics
    from transforms.outcome.run_metrics import run_metrics, run_text

    storage = output_named(target, config, keys).readable()
    found = run_metrics(storage)

    def show(_: object, __: object) -> None:
        print(run_text(found, storage), end="")

    report(metrics.in_values(found, storage), show, as_json)


@app.command("verify", rich_help_panel=PANEL)
def verify_command(
    target: Target,
    config: StorageConfig = None,
    keys: SetKeys = None,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="Read only so many output shards.")
    ] = None,
    skip_inputs: Annotated[
        bool, typer.Option("--skip-inputs", help="Do not count the samples of the input shards.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Recompute an output from its labels, plan and shards; exit with 1 where anything differs.

    Examples: `fairshard verify rebalanced`, `fairshard verify s3://bucket/out --config config.yaml`
    """
    from jobs.look import verify

    found = output_named(target, config, keys)
    found.begun()
    checked = verify.run(found.storage, found.config, found.origin, sample, not skip_inputs, log())
    report(checked, verify.show, as_json)
    if not checked["agrees"]:
        raise typer.Exit(1)


@app.command("clean", rich_help_panel=PANEL)
def clean_command(
    target: Target,
    config: StorageConfig = None,
    keys: SetKeys = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also while a run seems to be active.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove the temporary files of dead attempts; refuses while a run is active.

    Examples: `fairshard clean rebalanced`, `fairshard clean config.yaml`
    """
    from jobs.look import clean

    found = output_named(target, config, keys)
    cleaned = clean.run(found.storage, force)
    if found.config is None and not cleaned["removed"]:
        found.begun()
    report(cleaned, clean.show, as_json)
