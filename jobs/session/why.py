"""Why a plan misses something, as summaries say it; looked for where a run was killed before."""

import shlex
from typing import Any

from rich.console import Console

from jobs.session.ticking import ticking
from transforms.plan.explanation_file import explanation_of
from transforms.plan.plan import Plan
from transforms.stages.tasks import explain_in_time
from transforms.storage.files import Storage


def why_of(plan: Plan, storage: Storage) -> dict[str, Any]:
    """What is known of why the plan on file misses something: the conflict, and in lines."""
    known = explanation_of(plan, storage)
    goes_on = f"`fairshard why {shlex.quote(storage.url)}`"
    conflict = known and known.conflict
    return {
        "conflict": conflict.to_dict() if conflict else None,
        "why": list(known.lines(goes_on)) if known else [],
    }


def explain_if_killed(plan: Plan, storage: Storage, console: Console) -> None:
    """Explain a plan of which nothing is known, as where the run that made it was killed."""
    known = explanation_of(plan, storage)
    if known is not None and known.finding == "open":
        with ticking("explaining", console):
            explain_in_time(plan, storage)
