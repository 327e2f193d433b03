"""The `fairshard` command."""

import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jobs import (
    calibrate,
    check,
    compare,
    corpus,
    frontier,
    label,
    rebalance,
    resample,
    solve,
    suggest,
    summary,
    verify,
)
from jobs.engines import runner_for
from jobs.options import (
    AsJson,
    ConfigPath,
    EngineName,
    OutputPath,
    OutputUrl,
    Show,
    located,
    log,
    overridden,
    read_checked,
    report,
)
from transforms.errors import FairshardError
from transforms.report import write_report
from transforms.storage import Storage

app = typer.Typer(
    help="Rebalance image-text corpora in webdataset shards: label, solve M4, resample.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
_ENGINE_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}


def main() -> None:
    """Run the command; errors that a person can act on end in one sentence."""
    try:
        app()
    except FairshardError as error:
        print(f"fairshard: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("fairshard: interrupted; run the same command again to go on", file=sys.stderr)
        sys.exit(130)


@app.command("corpus")
def corpus_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to draw it.")],
    samples: Annotated[int, typer.Option(min=1)] = 20_000,
    shards: Annotated[int, typer.Option(min=1)] = 20,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Draw a demo corpus with planted bias, its true labels and a configuration for it.

    Example: `fairshard corpus demo --samples 20000 --shards 20 --seed 0`
    """
    report(corpus.run(directory, samples, shards, seed, log()), corpus.show, as_json)


@app.command("init")
def init_command() -> None:
    """Print a commented example of a configuration.

    Example: `fairshard init > config.yaml`
    """
    example = resources.files("jobs.templates").joinpath("example.yaml")
    print(example.read_text(encoding="utf-8"), end="")


@app.command("check")
def check_command(config: ConfigPath, as_json: AsJson = False) -> None:
    """Validate a configuration and say what it would run, without running it.

    Example: `fairshard check config.yaml`
    """
    report(check.run(read_checked(config)), check.show, as_json)


@app.command("label", context_settings=_ENGINE_OPTIONS)
def label_command(
    context: typer.Context,
    config: ConfigPath,
    output: OutputUrl = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Label every sample of the shards that are not labelled yet.

    Examples: `fairshard label config.yaml`,
    `fairshard label config.yaml -- --direct_num_workers=8`
    """
    _run(label.run, label.show, context, config, output, engine, as_json)


@app.command("solve", context_settings=_ENGINE_OPTIONS)
def solve_command(
    context: typer.Context,
    config: ConfigPath,
    output: OutputUrl = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Reduce the labels to their statistics and solve M4 once for the corpus.

    Example: `fairshard solve config.yaml`
    """
    _run(solve.run, solve.show, context, config, output, engine, as_json)


@app.command("resample", context_settings=_ENGINE_OPTIONS)
def resample_command(
    context: typer.Context,
    config: ConfigPath,
    output: OutputUrl = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Write the output shards, the manifest and the report that the plan asks for.

    Example: `fairshard resample config.yaml`
    """
    _run(resample.run, summary.show, context, config, output, engine, as_json)


@app.command("rebalance", context_settings=_ENGINE_OPTIONS)
def rebalance_command(
    context: typer.Context,
    config: ConfigPath,
    output: OutputUrl = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Label, solve and resample as one job, then write the report.

    Examples: `fairshard rebalance config.yaml`,
    `fairshard rebalance config.yaml --output gs://bucket/out -- --runner DataflowRunner
    --project my-project --region europe-west4`
    """
    _run(rebalance.run, summary.show, context, config, output, engine, as_json)


@app.command("calibrate")
def calibrate_command(
    config: ConfigPath,
    checked: Annotated[
        str, typer.Argument(metavar="CHECKED", help="CSV or Parquet: key, attribute, truth.")
    ],
    output: OutputUrl = None,
    as_json: AsJson = False,
) -> None:
    """Estimate, from hand-checked samples, how far recognised attributes can be believed.

    Example: `fairshard calibrate config.yaml checked.csv`
    """
    settled = overridden(read_checked(config), output, None)
    report(calibrate.run(settled, checked), calibrate.show, as_json)


@app.command("compare")
def compare_command(config: ConfigPath, output: OutputUrl = None, as_json: AsJson = False) -> None:
    """Weigh the labelled corpus by M4 and by other balancers, and show what each would give.

    Example: `fairshard compare config.yaml`
    """
    settled = overridden(read_checked(config), output, None)
    report(compare.run(settled, log()), compare.show, as_json)


@app.command("frontier")
def frontier_command(
    config: ConfigPath,
    output: OutputUrl = None,
    points: Annotated[int, typer.Option(min=8, help="About how many rates to solve for.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Show what bias and how many effective samples each rate allows on the labelled corpus.

    Example: `fairshard frontier config.yaml`
    """
    settled = overridden(read_checked(config), output, None)
    report(frontier.run(settled, points, log()), frontier.show, as_json)


@app.command("suggest")
def suggest_command(
    config: ConfigPath,
    output: OutputUrl = None,
    origin: Annotated[
        str,
        typer.Option("--from", metavar="captions|FIELD", help="Captions, or a metadata field."),
    ] = suggest.CAPTIONS,
    top: Annotated[int, typer.Option(min=1, help="How many for each attribute.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Rank words of captions, or values of a metadata field, as proxy labels of the attributes.

    Examples: `fairshard suggest config.yaml`, `fairshard suggest config.yaml --from objects`
    """
    settled = overridden(read_checked(config), output, None)
    report(suggest.run(settled, origin, top, log()), suggest.show, as_json)


@app.command("report")
def report_command(
    output: OutputPath,
    as_json: AsJson = False,
) -> None:
    """Build the report's page again from the artefacts of an output.

    Example: `fairshard report rebalanced`
    """
    page = {"report": write_report(Storage(located(output)))}
    report(page, lambda made, console: console.print(f"report: {made['report']}"), as_json)


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


def _run(
    job: Callable[..., dict[str, Any]],
    show: Show,
    context: typer.Context,
    path: Path,
    output: str | None,
    engine: Literal["beam", "spark"] | None,
    as_json: bool,
) -> None:
    console = log()
    config = overridden(read_checked(path), output, engine)
    report(job(config, runner_for(config, context.args), console), show, as_json)


if __name__ == "__main__":
    main()
