"""The commands on an output: how far is it, what failed, what does it hold, is it right?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs.look import clean, failed, metrics, overview, status, verify, why
from jobs.session.options import (
    AsJson,
    ConfigPath,
    OutputPath,
    OutputUrl,
    located,
    log,
    overridden,
    read_checked,
    report,
)
from transforms.report.page import write_report
from transforms.storage.files import Storage, output_storage

app = typer.Typer()
PANEL = "Look"

Target = Annotated[
    str,
    typer.Argument(metavar="OUTPUT|CONFIG", help="An output folder or URL, or its configuration."),
]
StorageConfig = Annotated[
    Path | None, typer.Option("--config", help="Where storage options are taken from.")
]
_CONFIGURATIONS = (".yaml", ".yml")


@app.command("status", rich_help_panel=PANEL)
def status_command(
    target: Target,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it until the run has ended.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say how far a run is, from its files alone: also while it goes on elsewhere.

    Examples: `fairshard status rebalanced`, `fairshard status config.yaml --watch`
    """
    storage = storage_of(target)
    if watch and not as_json:
        status.watch(storage, Console(markup=False))
    else:
        report(status.run(storage), status.show, as_json)


@app.command("failed", rich_help_panel=PANEL)
def failed_command(target: Target, as_json: AsJson = False) -> None:
    """Say what failed or was rejected, why, how often, and how to try it again.

    Examples: `fairshard failed rebalanced`, `fairshard failed config.yaml --json`
    """
    report(failed.run(storage_of(target)), failed.show, as_json)


@app.command("summary", rich_help_panel=PANEL)
def summary_command(config: ConfigPath, output: OutputUrl = None, as_json: AsJson = False) -> None:
    """Say again what a run ended with or, before there is an output, what its plan promises.

    Example: `fairshard summary config.yaml`
    """
    settled = overridden(read_checked(config), output, None)
    report(overview.run(output_storage(settled.output)), overview.show, as_json)


@app.command("why", rich_help_panel=PANEL)
def why_command(
    target: Target,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, help="Look for it no longer than that.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say why a plan misses something and what would do, looking on where solving left off.

    Examples: `fairshard why rebalanced`, `fairshard why config.yaml --seconds 60`
    """
    report(why.run(storage_of(target), seconds, log()), why.show, as_json)


@app.command("report", rich_help_panel=PANEL)
def report_command(
    output: OutputPath,
    as_json: AsJson = False,
) -> None:
    """Build the report's page again from the artefacts of an output.

    Example: `fairshard report rebalanced`
    """
    page = {"report": write_report(Storage(located(output)))}
    report(page, lambda made, console: console.print(f"report: {made['report']}"), as_json)


@app.command("metrics", rich_help_panel=PANEL)
def metrics_command(
    output: OutputPath,
    config: StorageConfig = None,
) -> None:
    """Print the metrics of a run, also while it goes on, as Prometheus reads them.

    Examples: `fairshard metrics rebalanced`, `fairshard metrics s3://bucket/out --config
    config.yaml`
    """
    print(metrics.run(located(output), config), end="")


@app.command("verify", rich_help_panel=PANEL)
def verify_command(
    output: OutputPath,
    config: StorageConfig = None,
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
    checked = verify.run(located(output), config, sample, not skip_inputs, log())
    report(checked, verify.show, as_json)
    if not checked["agrees"]:
        raise typer.Exit(1)


@app.command("clean", rich_help_panel=PANEL)
def clean_command(
    target: Target,
    force: Annotated[
        bool, typer.Option("--force", help="Also while a run seems to be active.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove the temporary files of dead attempts; refuses while a run is active.

    Examples: `fairshard clean rebalanced`, `fairshard clean config.yaml`
    """
    report(clean.run(storage_of(target), force), clean.show, as_json)


def storage_of(target: str) -> Storage:
    """The output that is named, or that the configuration in a file names."""
    if target.endswith(_CONFIGURATIONS):
        return output_storage(read_checked(Path(target)).output)
    return Storage(located(target))
