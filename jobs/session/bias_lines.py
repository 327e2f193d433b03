"""Measures beside what is asked of them, for programs and for people: a line each."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from jobs.session.console import say
from transforms.outcome.measure_rows import MEASURES, DrawnMeasure, MeasureRow, PlannedRow, Worst
from transforms.outcome.shares import BoundedShare
from transforms.outcome.status import STANDARD_ERRORS, in_words
from transforms.statistics.bounded import ROUNDING, figures


def in_values(row: MeasureRow) -> dict[str, Any]:
    """A measure of an output for programs."""
    return {
        "title": row.title,
        "before": _known(row.before.value),
        "before_error": _known(row.before.error),
        "predicted": _known(row.predicted.value),
        "predicted_error": _known(row.predicted.error),
        "after": _known(row.after.value),
        "standard_error": _known(row.after.error),
        **_asked(row.before, row, row.after),
        "missed_by": row.by,
        "allowed_standard_errors": STANDARD_ERRORS if row.by is None else 0,
        "as_labelled": {when: _known(value) for when, value in row.as_labelled.items()},
    }


def planned_in_values(rows: Sequence[PlannedRow]) -> dict[str, Any]:
    """The measures of a plan for programs: values and errors by when and measure, and what is asked
    of each.
    """
    found = {row.name: row for row in rows}
    worst = {
        when: {name: getattr(found.get(name), when, Worst()) for name in MEASURES}
        for when in ("before", "predicted")
    }
    drawn = {name: row.drawn for name, row in found.items() if row.drawn}
    if drawn:
        worst["drawn"] = {
            name: drawn[name].worst if name in drawn else Worst() for name in MEASURES
        }
    return {
        "bias": {
            when: {name: _known(one.value) for name, one in by_name.items()}
            for when, by_name in worst.items()
        },
        "standard_errors": {
            when: {name: _known(one.error) for name, one in by_name.items()}
            for when, by_name in worst.items()
        },
        "asked": {
            row.name: {
                "title": row.title,
                **_planned(row),
                "met_to": None if row.drawn else _known(row.to),
                "missed_by": row.drawn and row.drawn.by,
            }
            for row in rows
        },
    }


def say_bias(bias: Mapping[str, Mapping[str, Any]], console: Console) -> None:
    """Print the measures that are bounded: where each is most above its bound, or nearest to it."""
    for row in bias.values():
        before = f"{_figure(row['before'])} ± {_figure(row['before_error'])}"
        if row["status"] != "not asked":
            _say(row, before, (row["after"], row["standard_error"]), "after", console)
        if row["status"] != "not asked" and row["as_labelled"]:
            before, after = (_figure(row["as_labelled"][when]) for when in ("before", "after"))
            say(console, f"{'  as labelled':<20} {before} before, {after} after")


def shares_in_values(shares: Sequence[BoundedShare]) -> dict[str, Any]:
    """The bounds on shares for programs, where there are some."""
    rows = [
        {
            "name": share.name,
            "before": _known(share.before),
            "predicted": _known(share.predicted),
            "after": _known(share.after),
            "standard_error": _known(share.error),
            "asked": share.asked_in_words,
            "status": share.status,
            "missed_by": share.by,
        }
        for share in shares
    ]
    return {"shares": rows} if rows else {}


def say_shares(summary: Mapping[str, Any], console: Console) -> None:
    """Print the shares that are bounded."""
    for row in summary.get("shares", ()):
        say(
            console,
            f"{row['name']:<20} {_figure(row['before'])} before, {_figure(row['after'])}"
            f"{_error(row['standard_error'], row['missed_by'])} after; asked for {row['asked']}: "
            f"{in_words(row['status'], by=row['missed_by'])}",
        )


def say_planned_bias(plan: Mapping[str, Any], console: Console) -> None:
    """Print the same of a plan, as it predicts them or, where it says what is drawn, of that."""
    planned = "drawn" if "drawn" in plan["bias"] else "predicted"
    when_written = {"drawn": "after, as drawn", "predicted": "predicted"}[planned]
    for name, row in plan["asked"].items():
        before, after = (
            (plan["bias"][when][name], plan["standard_errors"][when][name])
            for when in ("before", planned)
        )
        if row["status"] != "not asked":
            said = f"{_figure(before[0])} ± {_figure(before[1])}"
            _say(row, said, after, when_written, console)


def _say(
    row: Mapping[str, Any],
    before: str,
    value: tuple[float | None, float | None],
    when: str,
    console: Console,
) -> None:
    number, asked = value[0], row["asked"]
    shown, limit = _figure(number), _figure(asked)
    if number is not None and asked is not None:
        shown, limit = figures(number, asked, row.get("met_to") or ROUNDING)
    apart = row["before_asked"] not in (None, asked)
    other = f" ({row['before_worst']}, asked for <= {_figure(row['before_asked'])})" * apart
    of = f" ({row['worst']})" if row["worst"] else ""
    say(
        console,
        f"{row['title'].lower():<20} {before} before{other}, "
        f"{shown}{_error(value[1], row['missed_by'])} {when}{of}; "
        f"asked for <= {limit}: {in_words(row['status'], row.get('met_to'), row['missed_by'])}",
    )
    if row["not_asked"]:
        unasked = row["not_asked"]
        say(console, f"{'  not asked':<20} {unasked['worst']} {_figure(unasked['value'])}")


def _planned(row: PlannedRow) -> dict[str, Any]:
    if row.drawn:
        return _asked(row.before, row.drawn, row.drawn.worst)
    return _asked(row.before, row, row.predicted)


def _asked(
    before: Worst, found: MeasureRow | PlannedRow | DrawnMeasure, decides: Worst
) -> dict[str, Any]:
    """What is asked of a measure, of what, and what became of it."""
    unasked = found.unasked
    return {
        "asked": _known(decides.asked),
        "worst": decides.of,
        "before_asked": _known(before.asked),
        "before_worst": before.of,
        "status": found.status,
        "not_asked": unasked and {"worst": unasked.of, "value": _known(unasked.value)},
    }


def _error(value: float | None, missed_by: float | None) -> str:
    """A standard error, unless there is none as nothing is left to chance."""
    return "" if value is None and missed_by is not None else f" ± {_figure(value)}"


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _figure(value: float | None) -> str:
    return "no data" if value is None else f"{value:.4f}"
