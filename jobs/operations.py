"""The commands for those who operate runs: can it run, how is it doing, is it right?"""

from pathlib import Path
from typing import Annotated

import typer

from jobs import doctor, metrics, verify
from jobs.options import AsJson, OutputPath, located, log, read_checked, report

app = typer.Typer()


@app.command("doctor")
def doctor_command(
    config: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG]", help="What the machine is to run.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what this machine lacks for a configuration, or at all, and the command that mends it.

    Exits with 1 where something is missing. Examples: `fairshard doctor`,
    `fairshard doctor config.yaml`
    """
    found = doctor.run(read_checked(config) if config else None)
    report(found, doctor.show, as_json)
    if not found["ready"]:
        raise typer.Exit(1)


@app.command("metrics")
def metrics_command(
    output: OutputPath,
    config: Annotated[
        Path | None, typer.Option("--config", help="Where storage options are taken from.")
    ] = None,
) -> None:
    """Print the metrics of a run, also while it goes on, as Prometheus reads them.

    Examples: `fairshard metrics rebalanced`, `fairshard metrics s3://bucket/out --config
    config.yaml`
    """
    print(metrics.run(located(output), config), end="")


@app.command("verify")
def verify_command(
    output: OutputPath,
    config: Annotated[
        Path | None, typer.Option("--config", help="Where storage options are taken from.")
    ] = None,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="Read only so many output shards.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute an output from its labels, plan and shards; exit with 1 where anything differs.

    Examples: `fairshard verify rebalanced`, `fairshard verify s3://bucket/out --config config.yaml`
    """
    checked = verify.run(located(output), config, sample, log())
    report(checked, verify.show, as_json)
    if not checked["agrees"]:
        raise typer.Exit(1)
