"""The `fairshard` command."""

import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import typer

from jobs import (
    calibrate,
    check,
    compare,
    corpus,
    frontier,
    operations,
    overview,
    running,
    suggest,
    upkeep,
)
from jobs.engines import runner_for
from jobs.options import (
    ENGINE_OPTIONS,
    AsJson,
    ConfigPath,
    EngineName,
    OutputPath,
    OutputUrl,
    located,
    log,
    overridden,
    read_checked,
    report,
)
from transforms.errors import FairshardError
from transforms.logs import LOGGER
from transforms.report import write_report
from transforms.storage import Storage, output_storage

app = typer.Typer(
    help="Rebalance image-text corpora in webdataset shards: label, solve M4, resample.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(running.app)
app.add_typer(operations.app)
app.add_typer(upkeep.app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command (None: the one of this process); errors end in one clear sentence."""
    log()
    try:
        app(arguments)
    except FairshardError as error:
        LOGGER.error(str(error))
        sys.exit(error.exit_code)
    except Exception:
        LOGGER.critical("this should not have happened: please report it", exc_info=True)
        sys.exit(1)


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


@app.command("gate", context_settings=ENGINE_OPTIONS)
def gate_command(
    context: typer.Context,
    stage: Annotated[Literal["labels", "plan", "output"], typer.Argument(metavar="STAGE")],
    config: ConfigPath,
    output: OutputUrl = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Check the labels, the plan or the output; exit with 4 where a critical expectation fails.

    Examples: `fairshard gate labels config.yaml`, `fairshard gate output config.yaml --json`
    """
    from jobs import gate

    settled = overridden(read_checked(config), output, engine)
    summary = gate.run(stage, settled, runner_for(settled, context.args))
    report(summary, gate.show, as_json)
    gate.require(summary)


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


@app.command("summary")
def summary_command(config: ConfigPath, output: OutputUrl = None, as_json: AsJson = False) -> None:
    """Say again what a run ended with or, before there is an output, what its plan promises.

    Example: `fairshard summary config.yaml`
    """
    settled = overridden(read_checked(config), output, None)
    report(overview.run(output_storage(settled.output)), overview.show, as_json)


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


if __name__ == "__main__":
    main()
