"""Why a plan misses something, as summaries say it."""

import shlex
from typing import Any

from transforms.plan.explanation_file import explanation_of
from transforms.plan.plan import Plan
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
