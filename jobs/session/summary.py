"""The end of a run in a few lines, or as one JSON object."""

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from jobs.session.console import say
from jobs.session.rejects import say_losses, say_rejects, shown_losses, shown_rejects
from transforms.feasibility.remedies import Conflict, in_words
from transforms.gates.results import read_results
from transforms.gates.subjects import checked_in
from transforms.outcome.artefacts import Artefacts, read_artefacts
from transforms.outcome.shares import bounded_shares
from transforms.outcome.verdict import MeasureRow, measure_rows, verdict_of
from transforms.storage import paths
from transforms.storage.files import Storage


def summarise(storage: Storage) -> dict[str, Any]:
    """What an output is, from its artefacts: counts, bias, what was asked, certificate, times."""
    return summary_of(read_artefacts(storage), storage)


def summary_of(artefacts: Artefacts, storage: Storage) -> dict[str, Any]:
    """As `summarise`, of artefacts that have been read."""
    rows = measure_rows(artefacts)
    file, manifest = artefacts.plan.file, artefacts.manifest
    totals = manifest.totals
    return {
        "verdict": verdict_of(artefacts, rows).sentence,
        "samples": totals.to_dict(),
        "dropped_share": totals.dropped / max(totals.in_, 1),
        "rejects": shown_rejects([row.shard for row in manifest.inputs if row.rejected], storage),
        **shown_losses(artefacts.records),
        "shards": len(manifest.shards),
        "bias": {row.name: _measured(row) for row in rows},
        **_shares(artefacts),
        "certificate": file.certificate.to_dict(),
        "eta": artefacts.plan.terms.eta,
        "rate": artefacts.plan.rate_in_words,
        "sampled": artefacts.plan.sampled_in_words,
        "missed": list(file.missed),
        "conflict": file.conflict.to_dict() if file.conflict else None,
        "seconds": {stage: round(value, 2) for stage, value in artefacts.run.stages.items()},
        "output": storage.url,
        "gates": [
            result.model_dump(mode="json", include={"stage", "passed", "failures", "warnings"})
            for result in read_results(storage, checked_in(artefacts))
        ],
        "data_docs": storage.path(paths.DATA_DOCS),
        "report": storage.path(paths.REPORT),
    }


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print a summary for people."""
    samples, certificate = summary["samples"], summary["certificate"]
    say(
        console,
        f"{samples['in']:,} samples in: {samples['kept']:,} kept, {samples['dropped']:,} dropped, "
        f"{samples['rejected']:,} rejected; {samples['written']:,} written to "
        f"{summary['shards']:,} shards ({samples['bytes'] / 1e6:,.1f} MB)",
    )
    say_rejects(summary["rejects"], console)
    say_losses(summary, console)
    for row in summary["bias"].values():
        if row["status"] != "not asked":
            say(
                console,
                f"{row['title'].lower():<20} "
                f"{_figure(row['before'])} ± {_figure(row['before_error'])} before, "
                f"{_figure(row['after'])} ± {_figure(row['standard_error'])} after; "
                f"asked for <= {_figure(row['asked'])}: {row['status']}",
            )
            if row["as_labelled"]:
                before, after = (_figure(row["as_labelled"][when]) for when in ("before", "after"))
                say(console, f"{'  as labelled':<20} {before} before, {after} after")
    for row in summary.get("shares", ()):
        say(
            console,
            f"{row['name']:<20} {_figure(row['before'])} before, {_figure(row['after'])} ± "
            f"{_figure(row['standard_error'])} after; asked for {row['asked']}: {row['status']}",
        )
    say(console, summary["verdict"])
    if summary["missed"]:
        more = len(summary["missed"]) - 3
        named = "; ".join(summary["missed"][:3]) + (f"; and {more} more" * (more > 0))
        say(console, f"missed: {named}")
    if summary["conflict"]:
        for line in in_words(Conflict.from_dict(summary["conflict"])):
            say(console, line)
    say(
        console,
        f"certificate: relative gap {certificate['gap']:.1e}, rate {certificate['rate']:.4f}, "
        f"worst violation {certificate['violation']:.1e}; {summary['rate']}",
    )
    if summary["sampled"]:
        say(console, summary["sampled"])
    for gate in summary["gates"]:
        where = f"; see {summary['data_docs']}" if gate["failures"] or gate["warnings"] else ""
        say(console, f"gate of the {gate['stage']}: {_verdict(gate)}{where}")
    steps = ", ".join(f"{stage} {value:.1f} s" for stage, value in summary["seconds"].items())
    say(console, f"time: {steps or 'not recorded'}")
    say(console, f"report: {summary['report']}")


def _measured(row: MeasureRow) -> dict[str, Any]:
    return {
        "title": row.title,
        "before": _known(row.before),
        "before_error": _known(row.before_error),
        "predicted": _known(row.predicted),
        "predicted_error": _known(row.predicted_error),
        "after": _known(row.after),
        "standard_error": _known(row.error),
        "asked": _known(row.asked),
        "worst": row.worst,
        "status": row.status,
        "as_labelled": {when: _known(value) for when, value in row.as_labelled.items()},
    }


def _shares(artefacts: Artefacts) -> dict[str, Any]:
    """The bounds on shares, where there are some."""
    rows = [
        {
            "name": share.name,
            "before": _known(share.before),
            "predicted": _known(share.predicted),
            "after": _known(share.after),
            "standard_error": share.error,
            "asked": share.asked_in_words,
            "status": share.status,
        }
        for share in bounded_shares(artefacts)
    ]
    return {"shares": rows} if rows else {}


def _verdict(gate: Mapping[str, Any]) -> str:
    failed, warned = gate["failures"], len(gate["warnings"])
    warnings = f", {warned} {'warning' if warned == 1 else 'warnings'}" if warned else ""
    return f"failed: {'; '.join(failed)}{warnings}" if failed else f"passed{warnings}"


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _figure(value: float | None) -> str:
    return "no data" if value is None else f"{value:.4f}"
