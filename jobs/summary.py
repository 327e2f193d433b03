"""The end of a run in a few lines, or as one JSON object."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from transforms import layout
from transforms.config import Config
from transforms.manifest import read_manifest
from transforms.measures import Measures
from transforms.plan import read_plan
from transforms.storage import output_storage


def summarise(config: Config, seconds: Mapping[str, float]) -> dict[str, Any]:
    """What was done, from the artefacts: counts, bias before and after, certificate, times."""
    storage = output_storage(config.output)
    plan, manifest = read_plan(storage).document, read_manifest(storage)
    measures = {**plan["measures"], "after": manifest["measures"]}
    return {
        "samples": manifest["totals"],
        "shards": len(manifest["shards"]),
        "bias": {
            when: {"RB": found.max_RB, "AB": found.max_AB, "skew": found.max_skew}
            for when, values in measures.items()
            for found in [Measures.from_dict(values)]
        },
        "asked": config.balance.model_dump(),
        "certificate": plan["certificate"],
        "unattainable": plan["unattainable"],
        "seconds": {stage: round(value, 2) for stage, value in seconds.items()},
        "output": config.output.url,
        "report": storage.path(layout.REPORT),
    }


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print a summary for people."""
    samples, bias, asked = summary["samples"], summary["bias"], summary["asked"]
    certificate = summary["certificate"]
    console.print(
        f"{samples['in']:,} samples in: {samples['kept']:,} kept, {samples['dropped']:,} dropped, "
        f"{samples['rejected']:,} rejected; {samples['written']:,} written to "
        f"{summary['shards']:,} shards ({samples['bytes'] / 1e6:,.1f} MB)"
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("bias", "before", "after", "asked for"):
        table.add_column(heading, justify="left" if heading == "bias" else "right")
    wanted = {"RB": f"eps_R = {asked['eps_R']:g}", "AB": f"eps_D = {asked['eps_D']:g}"}
    names = {
        "RB": "representation (RB)",
        "AB": "association (AB)",
        "skew": "label skew",
    }
    if asked["delta"] is not None:
        wanted["skew"] = f"delta = {asked['delta']:g}"
    for measure, target in wanted.items():
        before, after = bias["before"][measure], bias["after"][measure]
        table.add_row(names[measure], f"{before:.4f}", f"{after:.4f}", target)
    console.print(table)
    console.print(
        f"certificate: relative gap {certificate['gap']:.1e}, rate {certificate['rate']:.4f} "
        f"(eta = {asked['eta']:g}), worst violation {certificate['violation']:.1e}"
    )
    unattainable = summary["unattainable"]
    if unattainable:
        more = f" and {len(unattainable) - 3} more" if len(unattainable) > 3 else ""
        named = "; ".join(unattainable[:3]) + more
        console.print(f"[yellow]cannot be met at this eta:[/] {named}", highlight=False)
    if summary["seconds"]:
        steps = ", ".join(f"{stage} {value:.1f} s" for stage, value in summary["seconds"].items())
        console.print(f"time: {steps}", highlight=False)
    console.print(f"report: {summary['report']}", highlight=False, soft_wrap=True)
