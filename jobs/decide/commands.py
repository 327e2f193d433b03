"""The commands that help to decide what to ask for, from a labelled corpus.

Each imports what it does as it does it: a help page waits for none of it.
"""

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

from jobs.session.completed_help import completed_by, entries, tell
from jobs.session.options import (
    AsJson,
    ConfigPath,
    OutputUrl,
    SetKeys,
    entry_of,
    log,
    new_run,
    overridden,
    read_checked,
    report,
)
from transforms.config.balancers import BALANCERS, in_order
from transforms.stages.registrations import load_balancers

app = typer.Typer()
PANEL = "Decide"

BalancerNames = Annotated[
    list[str] | None,
    typer.Option(
        "--balancer",
        parser=entry_of(BALANCERS, load_balancers),
        metavar="<name>",
        help="One to compare M4 with, again for more; of none, all.",
    ),
]


@app.command("frontier", rich_help_panel=PANEL)
def frontier_command(
    config: ConfigPath,
    keys: SetKeys = None,
    output: OutputUrl = None,
    points: Annotated[int, typer.Option(min=8, help="About how many rates to solve for.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Show what bias and how many effective samples each rate allows on the labelled corpus.

    Example: `fairshard frontier config.yaml`
    """
    from jobs.decide import frontier

    settled = overridden(read_checked(config, keys), output, None)
    report(frontier.run(settled, points, log()), frontier.show, as_json)


def _name_balancers(command: TyperCommand) -> None:
    load_balancers()
    tell(command, "balancers", entries(BALANCERS, in_order()))


@app.command("compare", rich_help_panel=PANEL, cls=completed_by(_name_balancers))
def compare_command(
    config: ConfigPath,
    keys: SetKeys = None,
    output: OutputUrl = None,
    balancers: BalancerNames = None,
    as_json: AsJson = False,
) -> None:
    """Weigh the labelled corpus by M4 and by other balancers, and show what each would give.

    Examples: `fairshard compare config.yaml`, `fairshard compare config.yaml --balancer raking`
    """
    from jobs.decide import compare

    settled = overridden(read_checked(config, keys), output, None)
    report(compare.run(settled, log(), balancers or ()), compare.show, as_json)


@app.command("suggest", rich_help_panel=PANEL)
def suggest_command(
    config: ConfigPath,
    keys: SetKeys = None,
    output: OutputUrl = None,
    origin: Annotated[
        str,
        typer.Option("--from", metavar="captions|FIELD", help="Captions, or a metadata field."),
    ] = "captions",
    top: Annotated[int, typer.Option(min=1, help="How many for each attribute.")] = 20,
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="CONFIG", help="Write those worth it into this file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rank words of captions, or values of a metadata field, as proxy labels of the attributes.

    Examples: `fairshard suggest config.yaml --from objects`,
    `fairshard suggest config.yaml --into config.yaml`
    """
    from jobs.decide import suggest

    settled = overridden(read_checked(config, keys), output, None)
    report(suggest.run(settled, origin, top, log(), into), suggest.show, as_json)


@app.command("calibrate", rich_help_panel=PANEL)
def calibrate_command(
    config: ConfigPath,
    checked: Annotated[
        str, typer.Argument(metavar="CHECKED", help="CSV or Parquet: key, attribute, truth.")
    ],
    keys: SetKeys = None,
    output: OutputUrl = None,
    as_json: AsJson = False,
) -> None:
    """Estimate, from hand-checked samples, how far recognised attributes can be believed.

    Example: `fairshard calibrate config.yaml checked.csv`
    """
    from jobs.decide import calibrate
    from jobs.session.lease import leased

    settled = overridden(read_checked(config, keys), output, None)
    with leased(settled, new_run()):
        summary = calibrate.run(settled, checked)
    report(summary, calibrate.show, as_json)
