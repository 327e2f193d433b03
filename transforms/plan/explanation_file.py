"""explanation.json: why a plan misses something, as far as that was looked into."""

import json
from typing import Literal, Self

from pydantic import TypeAdapter, model_validator

from transforms.feasibility.explanation import REMEDIES, Explanation, Finding, Remedy
from transforms.feasibility.remedies import Conflict
from transforms.plan.plan import Plan
from transforms.storage import paths
from transforms.storage.documents import Document, found
from transforms.storage.files import Storage


class ExplanationFile(Document):
    """An explanation, and the identity of the plan that it explains.

    form: the version of the file's own form.
    """

    form: Literal[1] = 1
    plan: str
    finding: Finding
    conflict: Conflict | None
    smallest: bool
    sought: tuple[Remedy, ...]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.finding == "conflict") != bool(self.conflict and self.conflict.constraints):
            raise ValueError("a conflict is of constraints, and nothing else is one")
        return self

    def to_json(self) -> bytes:
        """JSON for people."""
        return f"{json.dumps(self.to_dict(), indent=1, ensure_ascii=False)}\n".encode()


_FORM = TypeAdapter(ExplanationFile)


def explanation_of(plan: Plan, storage: Storage) -> Explanation | None:
    """What is known of why the plan on file misses something; None where it misses nothing, or
    was not solved for this corpus.

    Of earlier versions' plans it stands in the plan. Nothing is known where the file is of another
    plan, or cannot be read, which is said.
    """
    if not plan.file.missed or plan.file.transferred:
        return None
    sampled, conflict = plan.file.sampled is not None, plan.file.conflict
    if conflict is not None:
        return Explanation("conflict", conflict, True, REMEDIES, sampled)
    lost = "why something is missed is not shown; `fairshard why` finds it again"
    file = found(storage, paths.EXPLANATION, _FORM, lost)
    if file is None or file.plan != plan.identity:
        return Explanation(sampled=sampled)
    return Explanation(file.finding, file.conflict, file.smallest, file.sought, sampled)


def write_explanation(known: Explanation, plan: Plan, storage: Storage) -> None:
    """Put on file what is known of a plan."""
    file = ExplanationFile(
        form=1,
        plan=plan.identity,
        finding=known.finding,
        conflict=known.conflict,
        smallest=known.smallest,
        sought=known.sought,
    )
    storage.publish(paths.EXPLANATION, file.to_json())
