"""What plan.json says of a plan that was solved for another corpus than the one it weighs."""

from typing import Annotated

from pydantic import Field

from transforms.storage.documents import Count, Document


class TransferredFrom(Document):
    """Where the prices and the terms of a plan are from, and of how many samples that corpus was.

    plan is that plan's identity, output where it lies, without secrets. new_patterns: the share of
    this corpus's samples whose pattern it had not seen, where that is known.
    """

    plan: str
    output: str
    samples: Count
    new_patterns: Annotated[float, Field(ge=0, le=1)] | None = None
