"""The end of a run in a few lines, or as one JSON object."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from jobs.session.absences import say_absences, shown_absences
from jobs.session.bias_lines import in_values, say_bias, say_shares, shares_in_values
from jobs.session.console import say
from jobs.session.gate_lines import gate_in_values, say_gate
from jobs.session.generations import biases_in_values, say_generations
from jobs.session.matches import say_matches, shown_matches
from jobs.session.rejects import say_losses, say_rejects, shown_losses, shown_rejects
from jobs.session.why import why_of
from transforms.base.counts import counted, first_of
from transforms.gates.results import read_results
from transforms.gates.subjects import checked_in
from transforms.outcome.artefacts import Artefacts, read_artefacts
from transforms.outcome.generations import generation_rows
from transforms.outcome.measure_rows import measure_rows
from transforms.outcome.shares import bounded_shares
from transforms.outcome.training import training_command
from transforms.outcome.verdict import verdict_of
from transforms.resampling.manifest import notes_beside
from transforms.storage import paths
from transforms.storage.files import Storage


def summarise(storage: Storage) -> dict[str, Any]:
    """What an output is, from its artefacts: counts, bias, what was asked, certificate, times."""
    return summary_of(read_artefacts(storage), storage)


def summary_of(artefacts: Artefacts, storage: Storage) -> dict[str, Any]:
    """As `summarise`, of artefacts that have been read."""
    rows = measure_rows(artefacts)
    file, manifest = artefacts.plan.file, artefacts.manifest
    totals, verdict = manifest.totals, verdict_of(artefacts, rows)
    return {
        "verdict": verdict.sentence,
        "met": verdict.met,
        "samples": totals.to_dict(),
        "dropped_share": totals.dropped / max(totals.in_, 1),
        "rejects": shown_rejects([row.shard for row in manifest.inputs if row.rejected], storage),
        **shown_losses(artefacts.records),
        **shown_matches(artefacts.records, storage),
        "shards": len(manifest.shards),
        **biases_in_values(generation_rows(manifest, artefacts.plan)),
        "bias": {row.name: in_values(row) for row in rows},
        **shares_in_values(bounded_shares(artefacts)),
        "certificate": file.certificate.to_dict(),
        "eta": artefacts.plan.terms.eta,
        "rate": artefacts.plan.rate_in_words,
        "sampled": artefacts.plan.sampled_in_words,
        **({"transferred": file.transferred.to_dict()} if file.transferred else {}),
        "missed": list(file.missed),
        **shown_absences(artefacts.plan, artefacts.histogram, artefacts.q, manifest),
        **why_of(artefacts.plan, storage),
        "seconds": {stage: round(value, 2) for stage, value in artefacts.run.stages.items()},
        "output": storage.url,
        "gates": [gate_in_values(found) for found in read_results(storage, checked_in(artefacts))],
        "data_docs": storage.path(paths.DATA_DOCS),
        "not_joined": notes_beside(manifest),
        "training_command": training_command(manifest, storage),
        "report": storage.path(paths.REPORT),
    }


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print a summary for people."""
    samples, certificate = summary["samples"], summary["certificate"]
    say(
        console,
        f"{counted(samples['in'], 'sample')} in: {samples['kept']:,} kept, "
        f"{samples['dropped']:,} dropped, {samples['rejected']:,} rejected; "
        f"{samples['written']:,} written to "
        f"{counted(summary['shards'], 'shard')} ({samples['bytes'] / 1e6:,.1f} MB)",
    )
    say_rejects(summary["rejects"], console)
    say_losses(summary, console)
    say_matches(summary, console)
    say_bias(summary["bias"], console)
    say_shares(summary, console)
    say_generations(summary, console)
    say(console, f"{'' if summary['met'] else 'done, unmet: '}{summary['verdict']}")
    if summary["missed"]:
        say(console, f"missed: {first_of(summary['missed'], 3, '; ')}")
    for line in summary["why"]:
        say(console, line)
    say_absences(summary, console)
    proven = f"certificate: relative gap {certificate['gap']:.1e}, rate {certificate['rate']:.4f}"
    if summary.get("transferred"):
        proven = f"no certificate, as the plan is another corpus's: rate {certificate['rate']:.4f}"
    say(
        console,
        f"{proven}, worst violation {certificate['violation']:.1e}; {summary['rate']}",
    )
    if summary["sampled"]:
        say(console, summary["sampled"])
    for gate in summary["gates"]:
        say_gate(gate, summary["data_docs"], console)
    if summary["not_joined"]:
        say(console, f"beside the shards: {first_of(summary['not_joined'], 3, '; ')}")
    steps = ", ".join(f"{stage} {value:.1f} s" for stage, value in summary["seconds"].items())
    say(console, f"time: {steps or 'not recorded'}")
    say(console, f"report: {summary['report']}")
    if summary["training_command"]:
        say(console, f"train: {summary['training_command']}")
