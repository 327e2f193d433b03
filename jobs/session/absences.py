"""Who is not in an output, and what was taken before it was balanced, as summaries show it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from jobs.session.console import say
from transforms.outcome.absences import groups_in_output, removed_names
from transforms.outcome.audits import UNKNOWN, audits_of, filter_unknown
from transforms.plan.plan import Plan
from transforms.resampling.manifest import Manifest
from transforms.statistics.histogram import Histogram

_NAMED = 5


def shown_absences(
    plan: Plan,
    histogram: Histogram,
    q: NDArray[np.float64],
    manifest: Manifest | None = None,
) -> dict[str, Any]:
    """`removed` names, `groups` of the output, `audits`: what was taken before, and of whom.

    filter_audited: whether it is known of whom the filter took. Without a manifest, all is of what
    the plan's weights give.
    """
    removed = removed_names(plan, histogram, q, manifest)
    groups = groups_in_output(plan, histogram, q, manifest)
    return {
        "removed": [{**dataclasses.asdict(one), "in_words": str(one)} for one in removed],
        "groups": [
            {**dataclasses.asdict(one), "few": one.few, "in_words": str(one)} for one in groups
        ],
        "audits": [{**one.to_dict(), "in_words": str(one)} for one in audits_of(plan, histogram)],
        "filter_audited": not filter_unknown(plan),
    }


def say_absences(found: Mapping[str, Any], console: Console) -> None:
    """Print what `shown_absences` gave: a line each, of the first few names, and of few samples."""
    removed, groups = found["removed"], found["groups"]
    for one in removed[:_NAMED]:
        say(console, f"removed: {one['in_words']}")
    if len(removed) > _NAMED:
        say(console, f"removed: {len(removed) - _NAMED:,} more; --json lists all")
    for group in groups:
        if group["few"]:
            say(console, f"few of the output: {group['in_words']}")
    if not found["filter_audited"]:
        say(console, f"before balancing: {UNKNOWN}")
    for audit in found["audits"]:
        say(console, f"before balancing: {audit['in_words']}")
