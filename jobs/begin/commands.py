"""The commands to begin with: can it run, on what, and how is it configured?

Each imports what it does as it does it: a help page waits for none of it.
"""

from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from jobs.begin.preview_size import MOST, SAMPLES
from jobs.session.completed_help import completed_by
from jobs.session.options import AsJson, ConfigPath, SetKeys, log, read_checked, report
from pipelines.registry import ENGINES
from transforms.config.registry import Registry
from transforms.config.writers import WRITERS
from transforms.stages.registrations import load_registrations

app = typer.Typer()
PANEL = "Begin"


@app.command("init", rich_help_panel=PANEL)
def init_command(as_json: AsJson = False) -> None:
    """Print a commented example of a configuration.

    Example: `fairshard init > config.yaml`
    """
    template = resources.files("jobs.begin.templates").joinpath("example.yaml")
    example = template.read_text(encoding="utf-8")
    report({"config": example}, lambda _, __: print(example, end=""), as_json)


def _say_what_may_be_named(command: TyperCommand) -> None:
    """What a configuration may name, registry by registry, ends the help."""
    from transforms.config.recognisers import RECOGNISERS

    load_registrations()
    registries: dict[str, Registry[Any]] = {
        "A name is recognised by": RECOGNISERS,
        "output.format": WRITERS,
        "engine.name": ENGINES,
    }
    command.epilog = "\n\n".join(
        f"{where}: " + "; ".join(f"{name} ({registry[name].about})" for name in registry)
        for where, registry in registries.items()
    )


@app.command("check", rich_help_panel=PANEL, cls=completed_by(_say_what_may_be_named))
def check_command(config: ConfigPath, keys: SetKeys = None, as_json: AsJson = False) -> None:
    """Validate a configuration and say what it would run, without running it.

    Example: `fairshard check config.yaml`
    """
    from jobs.begin import check

    report(check.run(read_checked(config, keys)), check.show, as_json)


@app.command("preview", rich_help_panel=PANEL)
def preview_command(
    config: ConfigPath,
    samples: Annotated[
        int,
        typer.Option(min=1, max=MOST, help="How many to label, of shards spread over the corpus."),
    ] = SAMPLES,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with pictures, too.")
    ] = None,
    keys: SetKeys = None,
    as_json: AsJson = False,
) -> None:
    """Label a few samples and show what is recognised, by which source, and what to mend.

    Examples: `fairshard preview config.yaml`, `fairshard preview config.yaml --html preview.html`
    """
    from jobs.begin import preview

    report(preview.run(read_checked(config, keys), samples, html, log()), preview.show, as_json)


@app.command("doctor", rich_help_panel=PANEL)
def doctor_command(
    config: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG]", help="What the machine is to run.")
    ] = None,
    keys: SetKeys = None,
    as_json: AsJson = False,
) -> None:
    """Say what this machine lacks for a configuration, or at all, and the command that mends it.

    Exits with 1 where something is missing. Examples: `fairshard doctor`,
    `fairshard doctor config.yaml`
    """
    from jobs.begin import doctor

    if keys and config is None:
        raise typer.BadParameter("--set changes a configuration: give one")
    found = doctor.run(read_checked(config, keys) if config else None)
    report(found, doctor.show, as_json)
    if not found["ready"]:
        raise typer.Exit(1)


@app.command("corpus", rich_help_panel=PANEL)
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
    from jobs.begin import corpus

    report(corpus.run(directory, samples, shards, seed, log()), corpus.show, as_json)


@app.command("warm", rich_help_panel=PANEL)
def warm_command(as_json: AsJson = False) -> None:
    """Compile the solver's loops now, once a machine or image, so that no first solve waits for it.

    Example: `fairshard warm`
    """
    from jobs.begin import warm

    report(warm.run(log()), warm.show, as_json)
