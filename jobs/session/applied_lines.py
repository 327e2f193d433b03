"""What a plan gives on samples that it was not solved for, for programs and for people."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console

from jobs.session.console import say
from transforms.base.counts import counted
from transforms.outcome.applied_rows import AppliedRow, AppliedShare
from transforms.statistics.bounded import CERTIFIED, figures


def applied_in_values(rows: Iterable[AppliedRow], shares: Sequence[AppliedShare]) -> dict[str, Any]:
    """Measures by name and, where some are bounded, shares; None where nothing is known."""
    bias = {
        row.name: {
            "title": row.title,
            "before": _known(row.before.value),
            "before_error": _known(row.before.error),
            "by_plan": _known(row.under.value),
            "standard_error": _known(row.under.error),
            "worst": row.under.of,
            "asked": _known(row.under.asked),
            "met": row.met,
            "beyond": _known(row.beyond),
        }
        for row in rows
    }
    bounded = [
        {
            "name": f"share of {share.bound.name}",
            "before": _known(share.before),
            "by_plan": _known(share.under),
            "asked": f"at {'most' if share.bound.sign > 0 else 'least'} {share.bound.bound:g}",
            "met": share.met,
        }
        for share in shares
    ]
    return {"bias": bias, **({"shares": bounded} if bounded else {})}


def met_in_values(applied: Mapping[str, Any]) -> bool:
    """Whether all that is asked is met, of what `applied_in_values` gave."""
    rows = (*applied["bias"].values(), *applied.get("shares", ()))
    return all(row["met"] is not False for row in rows)


def say_applied(
    applied: Mapping[str, Any], console: Console, when: tuple[str, str] = ("before", "by the plan")
) -> None:
    """Print it: a line for each measure and each share."""
    was, now = when
    for row in applied["bias"].values():
        shown, asked = _figure(row["by_plan"]), "nothing is asked"
        if row["by_plan"] is not None and row["asked"] is not None:
            shown, limit = figures(row["by_plan"], row["asked"], CERTIFIED)
            asked = f"asked for <= {limit}: {_became_of(row)}"
        of = f" ({row['worst']})" if row["worst"] else ""
        say(
            console,
            f"{row['title'].lower():<20} {_figure(row['before'])}{_error(row['before_error'])} "
            f"{was}, {shown}{_error(row['standard_error'])} {now}{of}; {asked}",
        )
    for row in applied.get("shares", ()):
        outcome = {True: "met", False: "missed", None: "no data"}[row["met"]]
        say(
            console,
            f"{row['name']:<20} {_figure(row['before'])} before, {_figure(row['by_plan'])} by the "
            f"plan; asked for {row['asked']}: {outcome}",
        )


def new_patterns(share: float) -> str:
    """How many samples the plan has not seen the like of."""
    return f"{share:.1%} of the samples have a pattern that the plan has not seen"


def samples_of(shards: int, samples: int) -> str:
    """`3 shards of 120 samples`."""
    return f"{counted(shards, 'shard')} of {counted(samples, 'sample')}"


def _became_of(row: Mapping[str, Any]) -> str:
    if row["met"]:
        return "met"
    above = row["by_plan"] - row["asked"]
    known = row["standard_error"] is not None and row["beyond"] is not None
    sure = f" ({row['beyond']:.1f} standard errors)" if known else ""
    return f"missed by {above:.4f}{sure}"


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _error(value: float | None) -> str:
    return "" if value is None else f" ± {value:.4f}"


def _figure(value: float | None) -> str:
    return "no data" if value is None else f"{value:.4f}"
