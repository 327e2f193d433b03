"""The job that estimates, from hand-checked samples, how far the recognisers can be believed."""

from typing import Any

from rich.console import Console
from rich.table import Table

from jobs.session.console import say
from jobs.session.labelled import all_label_records
from transforms.calibration.checked_samples import (
    CheckedRows,
    calibrate,
    find_checked,
    read_checked_samples,
)
from transforms.calibration.posteriors import Calibration, Posterior
from transforms.config.sections import Config
from transforms.shards.inputs import input_shards
from transforms.storage import paths
from transforms.storage.files import output_storage

_ENOUGH = 50


def run(config: Config, checked_samples: str) -> dict[str, Any]:
    """Calibrate, and write the calibration into the output folder; a summary of it."""
    storage = output_storage(config.output)
    checked = read_checked_samples(checked_samples)
    records = all_label_records(config, input_shards(config))
    found = find_checked(checked, records, config, storage)
    calibration = calibrate(checked, found, records, config)
    storage.publish(paths.CALIBRATION, calibration.to_json())
    return {
        "attributes": [_row(name, calibration, found) for name in calibration.posteriors],
        "warnings": _warnings(calibration, found),
        "calibration": storage.path(paths.CALIBRATION),
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    table = Table(box=None, pad_edge=False, title="true, with 95 % intervals", title_justify="left")
    table.add_column("attribute", overflow="fold")
    for title in ("checked", "if recognised", "if not", "sens.", "spec."):
        table.add_column(title, justify="right", no_wrap=True)
    for row in summary["attributes"]:
        table.add_row(
            row["attribute"],
            f"{row['checked']:,}",
            _interval(row["recognised"]),
            _interval(row["not_recognised"]),
            f"{row['sensitivity']:.3f}",
            f"{row['specificity']:.3f}",
        )
    console.print(table)
    for line in (*summary["warnings"], f"calibration: {summary['calibration']}"):
        say(console, line)


def _row(name: str, calibration: Calibration, found: CheckedRows) -> dict[str, Any]:
    """An attribute's rates; the corpus says how often it is recognised, the checked how rightly."""
    without, recognised = calibration.posteriors[name]
    share = found.recognised[calibration.attributes.index(name)] / found.samples
    hits, misses = share * recognised.rate, (1 - share) * without.rate
    false_alarms, rest = share - hits, 1 - share - misses
    return {
        "attribute": name,
        "checked": without.checked + recognised.checked,
        "recognised": _rate(recognised),
        "not_recognised": _rate(without),
        "sensitivity": hits / (hits + misses),
        "specificity": rest / (rest + false_alarms),
    }


def _rate(posterior: Posterior) -> dict[str, Any]:
    low, high = posterior.rate_interval
    return {
        "checked": posterior.checked,
        "true": posterior.rate,
        "low": low,
        "high": high,
    }


def _interval(rate: dict[str, Any]) -> str:
    return f"{rate['true']:.3f} ({rate['low']:.3f}-{rate['high']:.3f})"


def _warnings(calibration: Calibration, found: CheckedRows) -> list[str]:
    warnings = []
    counts = (
        (found.missing, "in no label table"),
        (found.repeated, "in more than one row of them"),
        (found.filtered, "below the quality filter"),
    )
    left_out = [f"{count:,} {why}" for count, why in counts if count]
    if left_out:
        warnings.append(f"keys left out: {', '.join(left_out)}")
    unchecked = [name for name in calibration.attributes if name not in calibration.posteriors]
    if unchecked:
        warnings.append(f"not checked, and so taken as recognised: {', '.join(unchecked)}")
    for name, pair in calibration.posteriors.items():
        for how, posterior in zip(("not recognised", "recognised"), pair, strict=True):
            if posterior.checked < _ENOUGH:
                warnings.append(
                    f"only {posterior.checked:,} checked samples are {how} as {name}: its "
                    f"interval is wide, check at least {_ENOUGH} of these"
                )
    return warnings
