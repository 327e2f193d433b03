"""The commands that look after an output: how far is it, what failed, what did the dead leave?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs import clean, failed, status
from jobs.options import AsJson, located, read_checked, report
from transforms.storage import Storage, output_storage

app = typer.Typer()

Target = Annotated[
    str,
    typer.Argument(metavar="OUTPUT|CONFIG", help="An output folder or URL, or its configuration."),
]
_CONFIGURATIONS = (".yaml", ".yml")


@app.command("status")
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
        status.watch(storage, Console())
    else:
        report(status.run(storage), status.show, as_json)


@app.command("failed")
def failed_command(target: Target, as_json: AsJson = False) -> None:
    """Say what failed or was rejected, why, how often, and how to try it again.

    Examples: `fairshard failed rebalanced`, `fairshard failed config.yaml --json`
    """
    report(failed.run(storage_of(target)), failed.show, as_json)


@app.command("clean")
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
