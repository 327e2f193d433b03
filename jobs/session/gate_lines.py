"""What gates found, for programs and for people: a line a gate, and one a warning."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from jobs.session.console import say
from transforms.base.counts import counted
from transforms.gates.result_file import ResultFile


def gate_in_values(found: ResultFile) -> dict[str, Any]:
    """A gate's result for programs."""
    return {
        "stage": found.stage,
        "outcome": found.outcome,
        **found.model_dump(mode="json", include={"passed", "failures", "warnings", "unmet"}),
    }


def say_gate(gate: Mapping[str, Any], data_docs: str, console: Console) -> None:
    """Print what a gate found: its word, and a line for each warning."""
    failed, warned = gate["failures"], len(gate["warnings"])
    word = f"failed: {'; '.join(failed)}" if failed else gate["outcome"]
    warnings = f", {counted(warned, 'warning')}" if warned else ""
    where = f"; see {data_docs}" if failed or warned else ""
    say(console, f"gate of the {gate['stage']}: {word}{warnings}{where}")
    for warning in gate["warnings"]:
        say(console, f"  warning: {warning}")
