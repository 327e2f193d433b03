"""The job that counts the patterns of labelled shards and solves M4 once for the corpus."""

from typing import Any

from rich.console import Console

from jobs.engines import Runner
from jobs.progress import watched
from jobs.state import all_label_records
from transforms import layout
from transforms.config import Config
from transforms.measures import Measures
from transforms.plan import read_plan
from transforms.shards import find_shards
from transforms.storage import output_storage


def run(config: Config, runner: Runner, console: Console) -> dict[str, Any]:
    """Solve; a summary of the plan."""
    storage = output_storage(config.output)
    records = all_label_records(config, find_shards(config.input))
    with watched(storage, ("solve",), 0, console) as seconds:
        runner.solve(config, records)
    document = read_plan(storage).document
    bias = {when: Measures.from_dict(values) for when, values in document["measures"].items()}
    return {
        "samples": document["samples"],
        "bias": {
            when: {"RB": found.max_RB, "AB": found.max_AB, "skew": found.max_skew}
            for when, found in bias.items()
        },
        "certificate": document["certificate"],
        "unattainable": document["unattainable"],
        "seconds": seconds,
        "plan": storage.path(layout.PLAN),
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    before, predicted = summary["bias"]["before"], summary["bias"]["predicted"]
    certificate = summary["certificate"]
    console.print(
        f"{summary['samples']['balanced']:,} samples in {summary['samples']['patterns']:,} "
        f"patterns: RB {before['RB']:.4f} to {predicted['RB']:.4f}, "
        f"AB {before['AB']:.4f} to {predicted['AB']:.4f} at a rate of {certificate['rate']:.4f} "
        f"(relative gap {certificate['gap']:.1e})"
    )
    if summary["unattainable"]:
        console.print(f"{len(summary['unattainable']):,} constraints cannot be met at this eta")
    console.print(f"plan: {summary['plan']}", highlight=False, soft_wrap=True)
